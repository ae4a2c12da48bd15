-- The best reason of every recommended course: the editors' pick where there is one, else the highest scaled score, ties
-- by the priority in `reasons`; "recommended for you" where none applies. Its own score is the mean of the scaled scores of
-- all others, 0 where one does not apply; a mean is never above the largest, so it needs no place in the comparison.
with explained as (
    select
        scaled.member_id,
        scaled.course_id,
        sum(cast(scaled.scaled_score as decimal(18, 12))) as summed_score,
        min({{ struct_of({
            'is_behind': 'case when reasons.overrides then 0 else 1 end',
            'score_below_0': '-scaled.scaled_score',
            'priority': 'reasons.priority',
            'skill_id': 'scaled.skill_id'
        }) }}) as best
    from {{ ref('scaled_reasons') }} as scaled
    inner join {{ ref('reasons') }} as reasons using (reason)
    group by scaled.member_id, scaled.course_id
)

select
    pairs.member_id,
    pairs.course_id,
    coalesce(reasons.reason, 'recommended_for_you') as reason,
    explained.best.skill_id as skill_id,
    cast(round(coalesce(cast(explained.summed_score as double), 0) / nullif(scored_reasons.reasons, 0), 9) as double) as combined_score
from {{ ref('recommended_pairs') }} as pairs
cross join (select count(*) as reasons from {{ ref('reasons') }} where kind = 'scored') as scored_reasons
left join explained on pairs.member_id = explained.member_id and pairs.course_id = explained.course_id
left join {{ ref('reasons') }} as reasons on explained.best.priority = reasons.priority
