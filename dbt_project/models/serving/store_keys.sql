-- channels, variants and the reason of what has no other under numbers, by which the encoder of the store knows them
select
    kind,
    name,
    cast(row_number() over (partition by kind order by name) - 1 as integer) as number
from (
    select distinct 'channel' as kind, channel as name
    from {{ ref('assignments') }}
    union all
    select distinct 'variant' as kind, variant as name
    from {{ ref('assignments') }}
) as keys
union all
select 'reason' as kind, reason as name, reason_number as number
from {{ ref('reason_cards') }}
where reason = 'recommended_for_you'
