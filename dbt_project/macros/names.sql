{# Schemas are layers. The world layer writes two: a file `raw_members` makes raw.members, `truth_days` truth.days. #}

{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name -%}
        {{ custom_schema_name }}
    {%- elif node.resource_type == 'model' and node.fqn[1] == 'world' and node.name.split('_')[0] in ('raw', 'truth') -%}
        {{ node.name.split('_')[0] }}
    {%- elif node.resource_type == 'model' -%}
        {{ node.fqn[1] }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name, node) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name }}
    {%- elif node.resource_type == 'model' and node.fqn[1] == 'world' and node.name.split('_')[0] in ('raw', 'truth') -%}
        {{ node.name.split('_')[1:] | join('_') }}
    {%- else -%}
        {{ node.name }}
    {%- endif -%}
{%- endmacro %}
