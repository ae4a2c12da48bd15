{# A table that a day (dbt build --selector day) leaves as it is while nothing it is made of has changed: its code, the project's
   files, and the rows of the tables it reads. Any other build makes it anew. #}
{% materialization table_when_changed, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set made = this.incorporate(type='table') -%}
    {%- if invocation_args_dict.selector == 'day' and existing is not none and not should_full_refresh() and run_query(has_table_version())[0][0] -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) %}{% endcall -%}
        {{ return({'relations': [existing]}) }}
    {%- endif -%}
    {%- set new = make_intermediate_relation(made) -%}
    {%- set old = make_backup_relation(made, 'table' if existing is none else existing.type) -%}
    {{ drop_relation_if_exists(load_cached_relation(new)) }}
    {{ drop_relation_if_exists(load_cached_relation(old)) }}
    {{ run_hooks(pre_hooks) }}
    {#- dbt runs Python from a materialization alone, not from another that it calls -#}
    {% call statement('main', language=model.language) -%}
        {{ create_table_as(False, new, compiled_code, model.language) }}
    {%- endcall %}
    {%- if existing is not none %}{% do adapter.rename_relation(existing, old) %}{% endif -%}
    {%- do adapter.rename_relation(new, made) -%}
    {% call statement('version') -%}
        insert or replace into {{ versions_table() }} select '{{ model.name }}', {{ table_version() }}
    {%- endcall %}
    {%- do persist_docs(made, model) -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ drop_relation_if_exists(old) }}
    {{ return({'relations': [made]}) }}
{% endmaterialization %}

{% macro versions_table() %}{{ return(target.schema ~ '.table_versions') }}{% endmacro %}

{# Where versions of tables are kept, and that of the project's own files, which many tables are made by. #}
{% macro create_table_versions() %}{{ return(adapter.dispatch('create_table_versions')()) }}{% endmacro %}
{% macro default__create_table_versions() %}
    create table if not exists {{ versions_table() }} (model varchar primary key, version varchar);
    insert or replace into {{ versions_table() }}
    select '', md5(version() || string_agg(md5(content), '' order by filename))
    from read_text(['constraints.txt', 'dbt_project/**/*.sql', 'models_py/**/*.py'])
{% endmacro %}

{% macro has_table_version() %}
    select count(*) = 1 from {{ versions_table() }} where model = '{{ model.name }}' and version = {{ table_version() }}
{% endmacro %}

{# The version of the model's table: what it is made of. Tables of this kind stand for themselves by their versions, others by their
   rows, views by what they read. #}
{% macro table_version() -%}
    {%- set read = [] -%}
    {%- set waiting = model.depends_on.nodes | list -%}
    {%- for _ in graph.nodes if waiting -%}
        {%- set node = graph.nodes[waiting.pop()] -%}
        {%- if node.config.materialized == 'view' -%}
            {%- do waiting.extend(node.depends_on.nodes) -%}
        {%- elif node.unique_id not in read -%}
            {%- do read.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    md5(concat_ws(
        '|', '{{ local_md5(model.compiled_code) }}',
        (select version from {{ versions_table() }} where model = '')
        {%- for unique_id in read | sort %}
        {%- set node = graph.nodes[unique_id] %},
        {% if node.config.materialized == 'table_when_changed' -%}
        (select coalesce(max(version), 'none') from {{ versions_table() }} where model = '{{ node.name }}')
        {%- else -%}
        (select count(*) || ' ' || coalesce(sum(hash(rows)::hugeint), 0) from {{ api.Relation.create(node.database, node.schema, node.alias) }} as rows)
        {%- endif %}
        {%- endfor %}
    ))
{%- endmacro %}
