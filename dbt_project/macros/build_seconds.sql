{# How long the models of a run took, kept beside the tables: these depend on their input alone, seconds do not. #}
{% macro seconds_table() %}{{ return(target.schema ~ '.build_seconds') }}{% endmacro %}

{% macro create_build_seconds() %}{{ return(adapter.dispatch('create_build_seconds')()) }}{% endmacro %}
{% macro default__create_build_seconds() %}
    create table if not exists {{ seconds_table() }} (model varchar primary key, seconds double)
{% endmacro %}

{% macro record_build_seconds(results) %}{{ return(adapter.dispatch('record_build_seconds')(results)) }}{% endmacro %}
{% macro default__record_build_seconds(results) %}
    {% set rows = [] %}
    {% for result in results if result.node.resource_type == 'model' and result.status == 'success' %}
        {% do rows.append("('" ~ result.node.name ~ "', " ~ (result.execution_time | round(3)) ~ ")") %}
    {% endfor %}
    {% if rows %}insert or replace into {{ seconds_table() }} values {{ rows | join(', ') }}{% endif %}
{% endmacro %}
