-- how many rows of each raw table staging refused; none for tables without rows
with counts as (
{%- for table in raw_tables() %}
    select '{{ table }}' as table_name, 0 as refused, count(*) as kept
    from {{ ref('stg_' ~ table) }}
    union all
{%- endfor %}
    select table_name, 1 as refused, 0 as kept
    from {{ ref('quarantine') }}
)

select
    'quarantined_share' as check_name,
    table_name as subject,
    cast(round(sum(refused) / cast(sum(refused + kept) as double), 9) as double) as value
from counts
group by table_name
having sum(refused + kept) > 0
