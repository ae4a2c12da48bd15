-- The best reason of every recommended course: the editors' pick where there is one, else the highest scaled score, ties
-- by the priority in `reasons`; "recommended for you" where none applies.
with best_scaled as (
    select scaled.member_id, scaled.course_id, scaled.reason, scaled.skill_id
    from {{ ref('scaled_reasons') }} as scaled
    inner join {{ ref('reasons') }} as reasons using (reason)
    qualify row_number() over (
        partition by scaled.member_id, scaled.course_id
        order by case when reasons.overrides then 0 else 1 end, scaled.scaled_score desc, reasons.priority
    ) = 1
)

select
    pairs.member_id,
    pairs.course_id,
    coalesce(best_scaled.reason, 'recommended_for_you') as reason,
    best_scaled.skill_id
from {{ ref('recommended_pairs') }} as pairs
left join best_scaled using (member_id, course_id)
