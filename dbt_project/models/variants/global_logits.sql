{{ config(day=day_of_number('pair_id')) }}
-- what the variants that are global effects of others say of the examples those learn from: the products of coefficients and
-- features, summed on the request, the course's day and the pair of both
{%- set parts = [] %}
{%- for name in mixed_variants() %}{% for part in resolved_variant(name).parts or [] if part not in parts %}{% do parts.append(part) %}{% endfor %}{% endfor %}
with weights as (
    {{ rows_of_effect(parts, 'global') | trim }}
),

wanted as (
    select distinct variants.parts as variant, keys.request_id, keys.course_day_id, keys.pair_id
    from {{ ref('variants') }} as variants
    inner join {{ ref('examples') }} as examples using (label_set)
    inner join {{ ref('example_keys') }} as keys using (example_id)
    where variants.random_effects is not null and variants.parts is not null and examples.split <> 'test'
        and {{ is_made_anew('keys.served_date') }}
),

{% for table, key in (('request_features', 'request_id'), ('course_day_features', 'course_day_id'), ('pair_features', 'pair_id')) -%}
{{ key | replace('_id', '_logits') }} as (
    select weights.variant, features.{{ key }}, {{ exact_sum('weights.coefficient * features.value') }} as logit
    from {{ ref(table) }} as features
    inner join weights using (feature, term)
    semi join wanted on features.{{ key }} = wanted.{{ key }}
    group by weights.variant, features.{{ key }}
),

{% endfor -%}
intercepts as (
    select variant, coefficient as logit
    from weights
    where feature = 'intercept'
)

select
    wanted.variant,
    wanted.pair_id,
    cast(
        intercepts.logit + coalesce(request_logits.logit, 0) + coalesce(course_day_logits.logit, 0)
        + coalesce(pair_logits.logit, 0) as double
    ) as logit
from wanted
inner join intercepts using (variant)
left join request_logits using (variant, request_id)
left join course_day_logits using (variant, course_day_id)
left join pair_logits using (variant, pair_id)
