-- the features that some variant uses that is learned or served, and those they are made of
with recursive operands as (
    select feature, left_feature as operand
    from {{ ref('transformations') }}
    union
    select feature, right_feature as operand
    from {{ ref('transformations') }}
    where right_feature is not null
),

inputs as (
    select distinct variant_features.feature
    from {{ ref('variant_features') }} as variant_features
    inner join {{ ref('variants') }} as variants using (variant)
    where variants.learning <> 'kept'
),

needed as (
    select feature
    from inputs
    union
    select operands.operand as feature
    from needed
    inner join operands using (feature)
)

select needed.feature, inputs.feature is not null as is_input
from needed
left join inputs using (feature)
