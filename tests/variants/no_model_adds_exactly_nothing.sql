-- a member without a model of their own, and a course without one, add exactly 0
with learned as (
    select distinct variant, effect, entity_id
    from {{ ref('coefficients') }}
    where effect in ('member', 'course')
)

{% for effect in ('member', 'course') -%}
select scores.variant, scores.example_id, '{{ effect }}' as effect
from {{ ref('learned_example_scores') }} as scores
inner join {{ ref('variants') }} as variants on scores.variant = variants.variant and variants.random_effects is not null
inner join {{ ref('example_keys') }} as keys on scores.example_id = keys.example_id
anti join learned
    on learned.effect = '{{ effect }}'
    and scores.variant = learned.variant
    and cast(keys.{{ effect }}_id as varchar) = learned.entity_id
where scores.{{ effect }}_score is distinct from 0
{{ 'union all' if not loop.last }}
{% endfor %}
