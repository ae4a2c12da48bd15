-- channels and variants under numbers, by which the encoder of the store knows them
select
    kind,
    name,
    cast(row_number() over (partition by kind order by name) - 1 as smallint) as number
from (
    select distinct 'channel' as kind, channel as name
    from {{ ref('assignments') }}
    union all
    select distinct 'variant' as kind, variant as name
    from {{ ref('assignments') }}
) as keys
