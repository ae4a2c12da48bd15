-- The reason of every recommended course: "recommended for you" where none applies.
{{ config(materialized='view') }}
select
    pairs.member_id,
    pairs.course_id,
    coalesce(reasoned.reason, 'recommended_for_you') as reason,
    reasoned.skill_id,
    coalesce(reasoned.combined_score, 0e0) as combined_score
from {{ ref('recommended_pairs') }} as pairs
left join {{ ref('reasoned_pairs') }} as reasoned
    on pairs.member_id = reasoned.member_id and pairs.course_id = reasoned.course_id
