-- the contract of _raw.yml as rows, for people and for the check of the files
{%- if execute %}
{%- for table in raw_tables() %}
{%- set node = raw_contract_of(table) %}
{%- if node is none %}{{ exceptions.raise_compiler_error("macro raw_tables names '" ~ table ~ "', which _raw.yml does not describe") }}{% endif %}
{%- for column in node.columns.values() %}
{%- set meta = column.config.meta %}
select
    '{{ table }}' as table_name,
    {{ 'true' if node.config.meta.required else 'false' }} as is_required_table,
    '{{ column.name }}' as column_name,
    {{ loop.index }} as column_number,
    '{{ raw_type(column.data_type) }}' as data_type,
    {{ 'true' if meta.required else 'false' }} as is_required,
    {{ 'true' if meta.key else 'false' }} as is_key,
    {{ "'" ~ meta.references ~ "'" if meta.references is defined else 'cast(null as string)' }} as refers_to,
    '{{ column.description | replace("'", "''") }}' as description
{{ 'union all' if not loop.last }}
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- else %}
select 1 as table_name
{%- endif %}
