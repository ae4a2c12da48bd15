-- the table functions of this schema, as rows: what the published file repeats, a function after those it calls
{%- for name in ('served_list', 'recommend', 'recommend_on', 'recommend_session', 'carousels', 'explain') %}{% do ref(name) %}{% endfor %}
{%- if execute %}
{%- set functions = {} %}
{%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'table_function' and node.fqn[1] == 'serving' %}
{%- do functions.update({node.unique_id: node}) %}
{%- endfor %}
{%- set selects = [] %}
{%- for node in functions.values() %}
{%- set called = node.depends_on.nodes | select('in', functions) | list %}
{%- do selects.append("select '" ~ node.alias ~ "' as function_name, '" ~ node.config.parameters | join(', ') ~ "' as parameters, '" ~ dbt.escape_single_quotes(node.description) ~ "' as description, " ~ called | length ~ " as called_functions") %}
{%- endfor %}
select
    listed.function_name,
    listed.parameters,
    functions.macro_definition as definition,
    listed.description
from ({{ selects | join(' union all ') }}) as listed
inner join duckdb_functions() as functions
    on listed.function_name = functions.function_name and functions.schema_name = '{{ this.schema }}'
order by listed.called_functions, listed.function_name
{%- else %}
select 1 as function_name
{%- endif %}
