{{ config(materialized='view') }}
-- What variants with random effects learn from: the examples of their label set before the test days, whose they are, and
-- the logit of their global effect where that is another variant.
select
    variants.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    keys.member_id,
    keys.course_id,
    keys.request_id,
    keys.course_day_id,
    global_logits.logit as global_logit
from {{ ref('variants') }} as variants
inner join {{ ref('examples') }} as examples using (label_set)
inner join {{ ref('example_keys') }} as keys using (example_id)
left join {{ ref('global_logits') }} as global_logits
    on variants.parts = global_logits.variant and keys.pair_id = global_logits.pair_id
where variants.random_effects is not null
    and examples.split <> 'test'
    and (variants.parts is null or global_logits.logit is not null)
