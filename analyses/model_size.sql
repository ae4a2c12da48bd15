-- How large the models of section 5 are beside logistic regression, and what they were learned on
with global_rows as (
    select variants.variant, count(*) as rows
    from {{ ref('variants') }} as variants
    inner join {{ ref('variants') }} as learned on coalesce(variants.parts, variants.variant) = learned.variant
    inner join {{ ref('examples') }} as examples on learned.label_set = examples.label_set
    where examples.split = 'train'
    group by variants.variant
),

sizes as (
    select
        coefficients.variant,
        coefficients.effect,
        1 as models,
        count(*) as coefficients,
        max(global_rows.rows) as rows,
        cast(null as double) as median_rows
    from {{ ref('coefficients') }} as coefficients
    inner join {{ ref('variants') }} as variants on coefficients.variant = variants.variant
    left join global_rows on coefficients.variant = global_rows.variant
    where coefficients.effect = 'global' and (variants.random_effects is not null or variants.variant in ('m105', 'm105_long'))
    group by coefficients.variant, coefficients.effect
    union all
    select
        variant,
        effect,
        count(*) filter (where is_learned) as models,
        sum(coefficients) as coefficients,
        sum(rows) as rows,
        median(rows) filter (where is_learned) as median_rows
    from {{ ref('glmix_entities') }}
    group by variant, effect
)

select
    variant,
    effect,
    cast(models as bigint) as models,
    cast(coefficients as bigint) as coefficients,
    cast(rows as bigint) as rows,
    cast(median_rows as bigint) as median_rows
from sizes
order by variant, case effect when 'global' then 1 when 'member' then 2 else 3 end
