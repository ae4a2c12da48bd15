{# A description as a comment in the database. dbt-duckdb takes a table function for a view, which DuckDB does not. #}
{% macro duckdb__alter_relation_comment(relation, comment) %}
    {%- set kind = 'macro table' if model.config.materialized == 'table_function' else relation.type -%}
    comment on {{ kind }} {{ relation }} is {{ duckdb_escape_comment(comment) }}
{% endmacro %}

{# As dbt's own macro, but all comments of a table in one statement: two queries where that has five, for some 300 models. #}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append(duckdb__alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and model.columns -%}
        {%- set there = run_query('describe ' ~ relation).columns[0].values() | list -%}
        {%- for name, column in validate_doc_columns(relation, model.columns, there).items() -%}
            {%- do comments.append('comment on column ' ~ relation ~ '.' ~ adapter.quote(name) ~ ' is ' ~ duckdb_escape_comment(column.description)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- do run_query(comments | join('; ')) -%}
    {%- endif -%}
{% endmacro %}
