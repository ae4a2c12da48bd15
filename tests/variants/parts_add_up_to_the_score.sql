-- equation 2: the score is the sum of the global part, the member's and the course's
select scores.variant, scores.example_id
from {{ ref('learned_example_scores') }} as scores
inner join {{ ref('variants') }} as variants on scores.variant = variants.variant and variants.random_effects is not null
where not coalesce(
    abs(scores.score - (scores.global_score + scores.member_score + scores.course_score)) <= 0.000001, false
)
