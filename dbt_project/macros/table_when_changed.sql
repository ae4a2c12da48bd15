{# A table that a day (dbt build --selector day) leaves as it is while nothing it is made of has changed: its code, the project's
   files, and the rows of the tables it reads. Any other build makes it anew. #}
{% materialization table_when_changed, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set made = this.incorporate(type='table') -%}
    {%- if invocation_args_dict.selector == 'day' and existing is not none and not should_full_refresh() and run_query(has_table_version())[0][0] -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) %}{% endcall -%}
        {{ return({'relations': [existing]}) }}
    {%- endif -%}
    {%- set new = relation_to_swap_in(made) -%}
    {{ run_hooks(pre_hooks) }}
    {#- dbt runs Python from a materialization alone, not from another that it calls -#}
    {% call statement('main', language=model.language) -%}
        {{ create_table_as(False, new, compiled_code, model.language) }}
    {%- endcall %}
    {%- set old = swap_in(new, made, existing) -%}
    {% call statement('version') -%}
        insert or replace into {{ versions_table() }} select '{{ model.name }}', {{ table_version() }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ drop_relation_if_exists(old) }}
    {{ return({'relations': [made]}) }}
{% endmaterialization %}

{# The name under which a table is made that will take another's place. #}
{% macro relation_to_swap_in(made) %}
    {%- set new = make_intermediate_relation(made) -%}
    {{ drop_relation_if_exists(load_cached_relation(new)) }}
    {{ return(new) }}
{% endmacro %}

{# Puts it there; returns what was there before, to drop once all is committed. #}
{% macro swap_in(new, made, existing) %}
    {%- set old = make_backup_relation(made, 'table' if existing is none else existing.type) -%}
    {{ drop_relation_if_exists(load_cached_relation(old)) }}
    {%- if existing is not none %}{% do adapter.rename_relation(existing, old) %}{% endif -%}
    {%- do adapter.rename_relation(new, made) -%}
    {%- do persist_docs(made, model) -%}
    {{ return(old) }}
{% endmacro %}

{% macro versions_table() %}{{ return(target.schema ~ '.table_versions') }}{% endmacro %}

{# Where versions of tables are kept. They begin anew with other files of the project, or another release of the engine. #}
{% macro create_table_versions() %}{{ return(adapter.dispatch('create_table_versions')()) }}{% endmacro %}
{% macro default__create_table_versions() %}
    create table if not exists {{ versions_table() }} (model varchar primary key, version varchar);
    create table if not exists {{ day_versions() }} (model varchar, day date, version varchar);
    create table if not exists {{ days_made_anew() }} (model varchar, day date);
    create or replace temporary table project_version as
    select md5(version() || string_agg(md5(content), '' order by filename)) as version
    from read_text(['constraints.txt', 'dbt_project/**/*.sql', 'models_py/**/*.py']);
    {%- for versions in (day_versions(), versions_table()) %}
    delete from {{ versions }} where (select version from project_version) not in (select version from {{ versions_table() }} where model = '');
    {%- endfor %}
    insert or replace into {{ versions_table() }} select '', version from project_version
{% endmacro %}

{% macro has_table_version() %}
    select count(*) = 1 from {{ versions_table() }} where model = '{{ model.name }}' and version = {{ table_version() }}
{% endmacro %}

{# What the model's table is made of, nodes of tables; a view stands for what it reads. #}
{% macro tables_read() %}
    {%- set read, waiting = {}, model.depends_on.nodes | list -%}
    {%- for _ in graph.nodes if waiting -%}
        {%- set node = graph.nodes[waiting.pop()] -%}
        {%- if node.config.materialized == 'view' -%}
            {%- do waiting.extend(node.depends_on.nodes) -%}
        {%- else -%}
            {%- do read.update({node.unique_id: node}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(read.values() | sort(attribute='unique_id')) }}
{% endmacro %}

{% macro code_version() -%}
    '{{ local_md5(model.compiled_code) }}'
{%- endmacro %}

{% macro checksum(rows) -%}
    coalesce(sum(hash({{ rows }})::hugeint), 0)
{%- endmacro %}

{# Tables of this kind stand for themselves by their versions, others by their rows. #}
{% macro version_of_table(node) -%}
    {% if node.config.materialized == 'table_when_changed' -%}
    (select coalesce(max(version), 'none') from {{ versions_table() }} where model = '{{ node.name }}')
    {%- else -%}
    {{ checksum_of_table(node) }}
    {%- endif %}
{%- endmacro %}

{% macro checksum_of_table(node) -%}
    (select count(*) || ' ' || {{ checksum('rows') }} from {{ api.Relation.create(node.database, node.schema, node.alias) }} as rows)
{%- endmacro %}

{% macro table_version() -%}
    md5(concat_ws('|', {{ code_version() }}{% for node in tables_read() %}, {{ version_of_table(node) }}{% endfor %}))
{%- endmacro %}
