-- the features that some variant uses, and those they are made of
with recursive operands as (
    select feature, left_feature as operand
    from {{ ref('transformations') }}
    union
    select feature, right_feature as operand
    from {{ ref('transformations') }}
    where right_feature is not null
),

needed as (
    select distinct feature
    from {{ ref('variant_features') }}
    union
    select operands.operand as feature
    from needed
    inner join operands using (feature)
)

select needed.feature, uses.feature is not null as is_input
from needed
left join (select distinct feature from {{ ref('variant_features') }}) as uses using (feature)
