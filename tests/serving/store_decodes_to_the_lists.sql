-- The store gives back what went into it, and nothing else: for a sixteenth of the members here, for all in tests/python.
with sampled as (
    select member_id
    from {{ ref('encoded_recommendations') }}
    where {{ hash_bucket(['member_id'], 'decoded', 16) }} = 0
),

counted as (
    select scores.member_id, scores.variant, scores.position, scores.course_id, {{ served_score('scores.score') }} as score, best_reasons.reason, best_reasons.skill_id, 1 as given, 0 as decoded
    from {{ ref('scores') }} as scores
    semi join sampled using (member_id)
    inner join (from {{ ref('best_reasons') }} semi join sampled using (member_id)) as best_reasons using (member_id, course_id)
    union all
    select member_id, variant, position, course_id, score, reason, skill_id, 0 as given, 1 as decoded
    from {{ ref('decoded_recommendations') }}
    semi join sampled using (member_id)
)

select member_id, variant, position, course_id, score, reason, skill_id, sum(given) as given, sum(decoded) as decoded
from counted
group by member_id, variant, position, course_id, score, reason, skill_id
having sum(given) <> sum(decoded)
