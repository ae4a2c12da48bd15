-- The best reason of every recommended course: the editors' pick where there is one, else the highest scaled score, ties
-- by the priority in `reasons`; "recommended for you" where none applies. Its own score is the mean of the scaled scores of
-- all others, 0 where one does not apply; a mean is never above the largest, so it needs no place in the comparison.
with ranked_reasons as (
    select
        scaled.member_id,
        scaled.course_id,
        scaled.reason,
        scaled.skill_id,
        sum(cast(scaled.scaled_score as decimal(18, 12))) over (partition by scaled.member_id, scaled.course_id) as summed_score,
        row_number() over (
            partition by scaled.member_id, scaled.course_id
            order by case when reasons.overrides then 0 else 1 end, scaled.scaled_score desc, reasons.priority
        ) as preference
    from {{ ref('scaled_reasons') }} as scaled
    inner join {{ ref('reasons') }} as reasons using (reason)
)

select
    pairs.member_id,
    pairs.course_id,
    coalesce(best.reason, 'recommended_for_you') as reason,
    best.skill_id,
    cast(round(coalesce(cast(best.summed_score as double), 0) / nullif(scored_reasons.reasons, 0), 9) as double) as combined_score
from {{ ref('recommended_pairs') }} as pairs
cross join (select count(*) as reasons from {{ ref('reasons') }} where kind = 'scored') as scored_reasons
left join ranked_reasons as best
    on pairs.member_id = best.member_id and pairs.course_id = best.course_id and best.preference = 1
