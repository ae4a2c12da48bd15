-- The store gives back what went into it, and nothing else: for a sixteenth of the members here, for all in tests/python.
with plain as (
    select scores.member_id, scores.variant, scores.position, scores.course_id, {{ served_score('scores.score') }} as score, best_reasons.reason, best_reasons.skill_id
    from {{ ref('scores') }} as scores
    inner join {{ ref('best_reasons') }} as best_reasons using (member_id, course_id)
    where {{ hash_bucket(['scores.member_id'], 'decoded', 16) }} = 0
),

decoded as (
    select member_id, variant, position, course_id, score, reason, skill_id
    from {{ ref('decoded_recommendations') }}
    where {{ hash_bucket(['member_id'], 'decoded', 16) }} = 0
)

(select 'not in the store' as what, * from (from plain except all from decoded))
union all
(select 'only in the store' as what, * from (from decoded except all from plain))
