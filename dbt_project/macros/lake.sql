{# dbt run-operation read_lake --args '{folder: lake}': what Spark built, as views of this warehouse, so that DuckDB serves from it:
   `dbt build --selector lake` then makes the store and publishes it. #}
{% macro read_lake(folder='lake') %}
    {% set tables = run_query("
        select split_part(table_folder, '/', -2) as schema_name, split_part(table_folder, '/', -1) as table_name, table_folder
        from (select distinct parse_dirpath(file) as table_folder from glob('" ~ folder ~ "/*.db/*/*.parquet'))
        where not table_folder like '%/" ~ target.schema ~ ".db/%'
        order by all
    ") %}
    {% if not tables.rows %}
        {{ exceptions.raise_compiler_error("'" ~ folder ~ "' holds no tables of Spark. Remedy: make spark, or give its warehouse folder: --args '{folder: <folder>}'") }}
    {% endif %}
    {% for schema_name, table_name, table_folder in tables.rows %}
        {% set schema_name = schema_name[:-3] %}
        {% do run_query('create schema if not exists ' ~ schema_name) %}
        {% set old = adapter.get_relation(target.database, schema_name, table_name) %}
        {% if old %}{% do adapter.drop_relation(old) %}{% endif %}
        {% do run_query('create view ' ~ schema_name ~ '.' ~ table_name ~ " as from read_parquet('" ~ table_folder ~ "/*.parquet')") %}
    {% endfor %}
    {% do run_query('commit') %}
    {{ log(tables.rows | length ~ ' tables of ' ~ folder ~ ' are views of ' ~ target.path, info=true) }}
{% endmacro %}
