-- the table functions of this schema, as rows: what the published file repeats
{%- do ref('recommend') %}
{%- do ref('recommend_on') %}
{%- do ref('explain') %}
{%- if execute %}
{%- set selects = [] %}
{%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'table_function' and node.fqn[1] == 'serving' %}
{%- do selects.append("select '" ~ node.alias ~ "' as function_name, '" ~ node.config.parameters | join(', ') ~ "' as parameters") %}
{%- endfor %}
select
    listed.function_name,
    listed.parameters,
    functions.macro_definition as definition
from ({{ selects | join(' union all ') }}) as listed
inner join duckdb_functions() as functions
    on listed.function_name = functions.function_name and functions.schema_name = '{{ this.schema }}'
-- a function that calls another is created after it: recommend, then recommend_on
order by listed.function_name
{%- else %}
select 1 as function_name
{%- endif %}
