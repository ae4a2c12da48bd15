-- rows that staging refused; the run says how many, and stops beyond max_quarantine_share
{%- for table in raw_tables() %}
    {%- do ref('stg_' ~ table) %}
    {%- do raw_scan(table) %}
{%- endfor %}
{%- do ref('as_of_date') %}
{%- if execute %}
{%- for table in raw_tables() %}
select
    '{{ table }}' as table_name,
    cast(row_key as string) as row_key,
    cast(column_name as string) as column_name,
    cast(reason as string) as reason,
    cast(value as string) as value
from ({{ judged(table) }}) as judged_rows
where reason is not null
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- else %}
select 1 as table_name
{%- endif %}
