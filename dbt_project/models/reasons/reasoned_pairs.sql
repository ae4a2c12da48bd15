-- The best reason of every recommended course that has one: the editors' pick where there is one, else the highest scaled
-- score, ties by the priority in `reasons`. The score of "recommended for you" is the mean of the scaled scores of all
-- others, 0 where one does not apply; a mean is never above the largest, so it needs no place in the comparison.
with scored_reasons as (
    select reason, overrides, row_number() over (order by priority) as number, count(*) over () as reasons
    from {{ ref('reasons') }}
    where kind = 'scored'
),

placed as (
    select
        scaled.member_id,
        scaled.course_id,
        scaled.skill_id,
        scaled.scaled_score,
        -- what is compared, in one number, for structs take twice as long: does it override, the rank, the priority
        (case when reasons.overrides then 0 else 1000000000 end + cast(round(1 / scaled.scaled_score) as bigint)) * 1000
        + reasons.number as place
    from {{ ref('scaled_reasons') }} as scaled
    inner join scored_reasons as reasons using (reason)
),

best as (
    select
        member_id,
        course_id,
        min(place) as place,
        {{ value_at_least('skill_id', 'place') }} as skill_id,
        sum(cast(scaled_score as decimal(18, 12))) as summed_score
    from placed
    group by member_id, course_id
)

select
    best.member_id,
    best.course_id,
    reasons.reason,
    best.skill_id,
    cast(round(cast(best.summed_score as double) / reasons.reasons, 9) as double) as combined_score
from best
inner join scored_reasons as reasons on best.place % 1000 = reasons.number
