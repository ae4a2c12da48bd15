{# dbt run-operation read_lake --args '{folder: lake}': what Spark built, as views of this warehouse, so that DuckDB serves from it:
   `dbt build --selector lake` then makes the store and publishes it. #}
{% macro read_lake(folder='lake') %}
    {% set found = run_query("
        select distinct
            regexp_extract(file, '(?:^|/)([A-Za-z0-9_]+)[.]db/[A-Za-z0-9_]+/[^/]+$', 1) as schema_name,
            regexp_extract(file, '[.]db/([A-Za-z0-9_]+)/[^/]+$', 1) as table_name,
            replace(parse_dirpath(file), '''', '''''') as folder
        from glob('" ~ folder | replace("'", "''") ~ "/*.db/*/*.parquet')
        order by all
    ") %}
    {% set tables = [] %}
    {% for schema_name, table_name, table_folder in found.rows if schema_name and table_name and schema_name != target.schema %}
        {% do tables.append(table_name) %}
        {% do run_query('create schema if not exists ' ~ schema_name) %}
        {% set old = adapter.get_relation(target.database, schema_name, table_name) %}
        {% if old %}{% do adapter.drop_relation(old) %}{% endif %}
        {% do run_query('create view ' ~ schema_name ~ '.' ~ table_name ~ " as from read_parquet('" ~ table_folder ~ "/*.parquet')") %}
    {% endfor %}
    {% if not tables %}
        {{ exceptions.raise_compiler_error("read_lake: '" ~ folder ~ "' holds no tables of Spark. Remedy: make spark, or give its warehouse folder: --args '{folder: <folder>}'") }}
    {% endif %}
    {% do run_query('commit') %}
    {{ log(tables | length ~ ' tables of ' ~ folder ~ ' are views of ' ~ target.path, info=true) }}
{% endmacro %}
