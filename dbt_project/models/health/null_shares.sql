-- How many rows have no value in the columns that features are made of; no value for columns that the raw table does not have
with shares as (
{%- for table, columns in watched_columns().items() %}
    {%- set is_last_table = loop.last %}
    {%- for column in columns %}
    select
        '{{ table }}' as table_name,
        '{{ column }}' as column_name,
        round(avg(case when {{ column }} is null then 1.0e0 else 0 end), 9) as null_share
    from {{ ref('stg_' ~ table) }}
    {{ 'union all' if not (loop.last and is_last_table) }}
    {%- endfor %}
{%- endfor %}
)

select
    'null_share' as check_name,
    shares.table_name || '.' || shares.column_name as subject,
    cast(case when raw_files.column_name is not null then shares.null_share end as double) as value
from shares
left join {{ ref('raw_files') }} as raw_files
    on shares.table_name = raw_files.table_name and shares.column_name = raw_files.column_name
