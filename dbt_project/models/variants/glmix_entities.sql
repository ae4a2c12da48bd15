-- Whose models the variants with random effects have: what each was learned on, and how large it is.
with learned_on as (
    {%- for effect in ('member', 'course') %}
    select
        examples.variant,
        '{{ effect }}' as effect,
        cast(examples.{{ effect }}_id as string) as entity_id,
        count(*) as rows,
        sum(examples.label) as positives
    from {{ ref('mixed_examples') }} as examples
    inner join {{ ref('variants') }} as variants using (variant)
    where examples.split = 'train' and {{ is_among("'" ~ effect ~ "'", 'variants.random_effects') }}
    group by examples.variant, examples.{{ effect }}_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

learned as (
    select variant, effect, entity_id, count(*) as coefficients
    from {{ ref('coefficients') }}
    semi join (select variant from {{ ref('variants') }} where random_effects is not null) as mixed using (variant)
    where effect in ('member', 'course')
    group by variant, effect, entity_id
)

select
    variant,
    effect,
    entity_id,
    cast(coalesce(learned_on.rows, 0) as bigint) as rows,
    cast(coalesce(learned_on.positives, 0) as bigint) as positives,
    cast(coalesce(learned.coefficients, 0) as bigint) as coefficients,
    learned.variant is not null as is_learned
from learned_on
full join learned using (variant, effect, entity_id)
