-- where the global effect is another variant, it says of every example what that variant says
select scores.variant, scores.example_id
from {{ ref('learned_example_scores') }} as scores
inner join {{ ref('variants') }} as variants
    on scores.variant = variants.variant and variants.random_effects is not null and variants.parts is not null
left join {{ ref('learned_example_scores') }} as whole on variants.parts = whole.variant and scores.example_id = whole.example_id
where not coalesce(abs(scores.global_score - whole.score) <= 0.000001, false)
