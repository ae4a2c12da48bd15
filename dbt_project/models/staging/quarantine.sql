-- Rows that staging refused; the run says how many, and stops beyond max_quarantine_share. A table of which every row was
-- staged is not judged again.
{%- set judged_tables = [] %}
{%- set counts = [] %}
{%- for table in raw_tables() %}
    {%- set staged = ref('stg_' ~ table) %}
    {%- set scan = raw_scan(table) %}
    {%- if scan and scan.from and load_relation(staged) is none %}
        {%- do judged_tables.append(table) %}
    {%- elif scan and scan.from %}
        {%- do counts.append("select '" ~ table ~ "' as table_name, (select count(*) from " ~ scan.from ~ ') as given_rows, (select count(*) from ' ~ staged ~ ') as staged_rows') %}
    {%- endif %}
{%- endfor %}
{%- do ref('as_of_date') %}
{%- if counts %}
{%- for row in run_query(counts | join(' union all ')) if row[1] != row[2] %}
    {%- do judged_tables.append(row[0]) %}
{%- endfor %}
{%- endif %}
{%- for table in judged_tables | sort %}
select
    '{{ table }}' as table_name,
    cast(row_key as string) as row_key,
    cast(column_name as string) as column_name,
    cast(reason as string) as reason,
    cast(value as string) as value
from ({{ judged(table) }}) as judged_rows
where reason is not null
union all
{%- endfor %}
select
    cast(null as string) as table_name,
    cast(null as string) as row_key,
    cast(null as string) as column_name,
    cast(null as string) as reason,
    cast(null as string) as value
where false
