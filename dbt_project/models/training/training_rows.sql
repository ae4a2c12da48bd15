{{ config(materialized='view') }}
-- What each variant learns from: the examples of its label set in long form, the intercept among the features.
select
    variants.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    example_features.feature,
    example_features.term,
    example_features.value
from {{ ref('variants') }} as variants
inner join {{ ref('examples') }} as examples using (label_set)
inner join {{ ref('variant_features') }} as variant_features using (variant)
inner join {{ ref('example_features') }} as example_features
    on examples.example_id = example_features.example_id and variant_features.feature = example_features.feature
union all
select
    variants.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    'intercept' as feature,
    '' as term,
    cast(1 as double) as value
from {{ ref('variants') }} as variants
inner join {{ ref('examples') }} as examples using (label_set)
