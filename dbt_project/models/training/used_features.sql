-- the features of variants that are learned or served, and those they are made of
with recursive operands as (
    select feature, left_feature as operand
    from {{ ref('transformations') }}
    union
    select feature, right_feature as operand
    from {{ ref('transformations') }}
    where right_feature is not null
),

inputs as (
    select
        variant_features.feature,
        max(case when variants.learning <> 'kept' then 1 else 0 end) as learned
    from {{ ref('variant_features') }} as variant_features
    inner join {{ ref('variants') }} as variants using (variant)
    where variants.learning <> 'kept' or variants.is_served
    group by variant_features.feature
),

needed as (
    select feature, learned
    from inputs
    union all
    select operands.operand as feature, needed.learned
    from needed
    inner join operands using (feature)
)

select
    needed.feature,
    max(case when inputs.feature is not null then 1 else 0 end) = 1 as is_input,
    max(needed.learned) = 1 as is_learned
from needed
left join inputs using (feature)
group by needed.feature
