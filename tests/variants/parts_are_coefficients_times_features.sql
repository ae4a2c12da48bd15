-- the parts of a score, computed here from the coefficients and the features of each example, are what the scorer stored
with mixed_variants as (
    select variant
    from {{ ref('variants') }}
    where random_effects is not null
),

weights as (
    select variant, effect, entity_id, feature, term, coefficient
    from {{ ref('coefficients') }}
    semi join mixed_variants using (variant)
    where effect in ('global', 'member', 'course')
),

example_values as (
    select
        features.example_id,
        features.feature,
        features.term,
        features.value,
        cast(keys.member_id as varchar) as member_entity,
        cast(keys.course_id as varchar) as course_entity
    from {{ ref('evaluation_rows') }} as features
    inner join {{ ref('example_keys') }} as keys using (example_id)
),

parts as (
    {%- for effect in ('global', 'member', 'course') %}
    select
        weights.variant,
        example_values.example_id,
        '{{ effect }}' as effect,
        sum(weights.coefficient * example_values.value) as part
    from example_values
    inner join weights
        on weights.effect = '{{ effect }}'
        {%- if effect != 'global' %}
        and example_values.{{ effect }}_entity = weights.entity_id
        {%- endif %}
        and example_values.feature = weights.feature
        and example_values.term = weights.term
    group by weights.variant, example_values.example_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

recomputed as (
    select
        variant,
        example_id,
        {%- for effect in ('global', 'member', 'course') %}
        sum(case when effect = '{{ effect }}' then part else 0 end) as {{ effect }}_score{{ ',' if not loop.last }}
        {%- endfor %}
    from parts
    group by variant, example_id
)

select scores.variant, scores.example_id
from {{ ref('learned_example_scores') }} as scores
semi join mixed_variants on scores.variant = mixed_variants.variant
left join recomputed on scores.variant = recomputed.variant and scores.example_id = recomputed.example_id
where not coalesce(
    {%- for effect in ('global', 'member', 'course') %}
    abs(scores.{{ effect }}_score - recomputed.{{ effect }}_score) <= 0.000001{{ ' and' if not loop.last }}
    {%- endfor %},
    false
)
