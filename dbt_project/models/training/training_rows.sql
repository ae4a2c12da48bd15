{{ config(materialized='view') }}
-- What each variant learns from: the examples of its label set in long form, the intercept among the features. Variants
-- with random effects on top of another variant read mixed_examples instead.
with learners as (
    select variant, label_set
    from {{ ref('variants') }}
    where random_effects is null or parts is null
)

select
    learners.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    example_features.feature,
    example_features.term,
    example_features.value
from learners
inner join {{ ref('examples') }} as examples using (label_set)
inner join {{ ref('variant_features') }} as variant_features
    on learners.variant = variant_features.variant and variant_features.effect = 'global'
inner join {{ ref('example_features') }} as example_features
    on examples.example_id = example_features.example_id and variant_features.feature = example_features.feature
union all
select
    learners.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    'intercept' as feature,
    '' as term,
    cast(1 as double) as value
from learners
inner join {{ ref('examples') }} as examples using (label_set)
