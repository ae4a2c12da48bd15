{{ config(materialized='view') }}
-- What each variant learns from: the examples of its label set in long form, the intercept among the features. Variants
-- with random effects on top of another variant read mixed_examples instead. It does not stand on example_features, so
-- that the rows of one variant are made of its examples alone.
with learners as (
    select variant, label_set
    from {{ ref('variants') }}
    where random_effects is null or parts is null
)

{% for table, key in (('request_features', 'request_id'), ('course_day_features', 'course_day_id'), ('pair_features', 'pair_id')) -%}
select
    learners.variant,
    examples.example_id,
    examples.split,
    examples.label,
    examples.weight,
    features.feature,
    features.term,
    features.value
from learners
inner join {{ ref('examples') }} as examples using (label_set)
inner join {{ ref('example_keys') }} as keys using (example_id)
inner join {{ ref('variant_features') }} as variant_features
    on learners.variant = variant_features.variant and variant_features.effect = 'global'
inner join {{ ref(table) }} as features
    on keys.{{ key }} = features.{{ key }} and variant_features.feature = features.feature
union all
{% endfor -%}
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
