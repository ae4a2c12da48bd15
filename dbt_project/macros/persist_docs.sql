{# A description as a comment in the database. dbt-duckdb takes a table function for a view, which DuckDB does not. #}
{% macro duckdb__alter_relation_comment(relation, comment) %}
    {%- set kind = 'macro table' if model.config.materialized == 'table_function' else relation.type -%}
    comment on {{ kind }} {{ relation }} is {{ duckdb_escape_comment(comment) }}
{% endmacro %}
