{# A table of which a day (dbt build --selector day) makes only those days anew for which something changed: new days, and those
   that something late, corrected or forgotten reaches. Any other build makes the table anew. `day`, in the model's config, is
   the day of a row; the SQL leaves out other days by `is_made_anew`.

   Of every day a version is kept, of what its rows are made of: rows of tables with a feature_date up to that day, of tables with
   a `day` of their own those of that day alone, of other tables of this kind their versions. What is read besides counts as a
   whole, with the code: where that changed, all days are made anew. #}
{% materialization table_by_day, adapter='duckdb', supported_languages=['sql'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set made = this.incorporate(type='table') -%}
    {% call statement('versions') -%}
        create or replace temporary table new_versions as {{ day_versions_now() }}
    {%- endcall %}
    {%- set is_kept = invocation_args_dict.selector == 'day' and existing is not none and existing.is_table and not should_full_refresh()
        and run_query(is_same_but_for_days())[0][0] -%}
    {% call statement('days') -%}
        delete from {{ days_made_anew() }} where model = '{{ model.name }}';
        insert into {{ days_made_anew() }}
        select '{{ model.name }}', day
        from new_versions
        full join (select day, version from {{ day_versions() }} where model = '{{ model.name }}' and {{ is_kept }}) as old_versions using (day)
        where day is not null and new_versions.version is distinct from old_versions.version
    {%- endcall %}
    {{ run_hooks(pre_hooks) }}
    {%- if is_kept %}
        {% call statement('main') -%}
            delete from {{ existing }} where {{ is_made_anew(config.get('day')) }};
            insert into {{ existing }} by name {{ compiled_code }}
        {%- endcall %}
    {%- else -%}
        {%- set new = relation_to_swap_in(made) -%}
        {% call statement('main') -%}
            {{ create_table_as(False, new, compiled_code) }}
        {%- endcall %}
        {%- set old = swap_in(new, made, existing) -%}
    {%- endif %}
    {% call statement('kept_versions') -%}
        delete from {{ day_versions() }} where model = '{{ model.name }}';
        insert into {{ day_versions() }} select '{{ model.name }}', day, version from new_versions
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {%- if not is_kept %}{{ drop_relation_if_exists(old) }}{% endif -%}
    {{ return({'relations': [made]}) }}
{% endmaterialization %}

{% macro day_versions() %}{{ return(target.schema ~ '.day_versions') }}{% endmacro %}
{% macro days_made_anew() %}{{ return(target.schema ~ '.days_made_anew') }}{% endmacro %}

{# Whether a day is one that the running build makes anew; of tables of other kinds every day is. #}
{% macro is_made_anew(day) -%}
    {%- if model.config.materialized == 'table_by_day' and flags.WHICH in ('build', 'run') -%}
    {{ day }} in (select day from {{ days_made_anew() }} where model = '{{ model.name }}')
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{# Whether the tables that count as a whole, and the code, are those of the days that are kept. #}
{% macro is_same_but_for_days() %}
    select count(*) = 1
    from new_versions
    inner join {{ day_versions() }} as old_versions using (version)
    where new_versions.day is null and old_versions.day is null and old_versions.model = '{{ model.name }}'
{% endmacro %}

{# Rows (day, version); without a day that of all that does not go by days. #}
{% macro day_versions_now() -%}
    {%- set whole, days, inputs = [], [], [] -%}
    {%- for node in tables_read() -%}
        {%- set rows = api.Relation.create(node.database, node.schema, node.alias) -%}
        {%- if node.config.materialized == 'table_by_day' -%}
            {%- do inputs.append("select day, version as state from " ~ day_versions() ~ " where model = '" ~ node.name ~ "'") -%}
            {%- do whole.append("(select version from " ~ day_versions() ~ " where model = '" ~ node.name ~ "' and day is null)") -%}
        {%- elif node.config.get('day') -%}
            {%- do days.append('select ' ~ node.config.get('day') ~ ' as day, ' ~ checksum('rows') ~ ' as state from ' ~ rows ~ ' as rows group by 1') -%}
        {%- elif 'feature_date' in node.columns and node.config.materialized != 'table_when_changed' -%}
            {%- do inputs.append('select feature_date as day, sum(' ~ checksum('rows') ~ ') over (order by feature_date) as state from ' ~ rows ~ ' as rows group by 1') -%}
        {%- else -%}
            {%- do whole.append(checksum_of_table(node)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set states = days + inputs %}
    with {% for state in states -%}
    states_{{ loop.index }} as materialized ({{ state }}),
    {% endfor -%}
    days as (
        {%- for _ in days or inputs %}
        select day from states_{{ loop.index }}{{ ' union' if not loop.last }}
        {%- endfor %}
    )

    select cast(null as date) as day, md5(concat_ws('|', {{ ([code_version()] + whole) | join(', ') }})) as version
    union all
    select days.day, md5(concat_ws('|', {% for _ in states %}coalesce(cast(states_{{ loop.index }}.state as varchar), ''){{ ', ' if not loop.last }}{% endfor %})) as version
    from days
    {%- for _ in states %}
    {{ 'left join' if loop.index <= days | length else 'asof left join' }} states_{{ loop.index }} on days.day {{ '=' if loop.index <= days | length else '>=' }} states_{{ loop.index }}.day
    {%- endfor %}
{%- endmacro %}

{# Rows numbered within their day: a number says its day, and is the same as long as the rows of that day are. #}
{% macro numbered_in_day(day, rank) -%}
    (cast({{ day_diff(beginning(), day) }} as bigint) * 4294967296 + {{ rank }})
{%- endmacro %}

{% macro day_of_number(number) -%}
    ({{ beginning() }} + cast({{ number }} // 4294967296 as integer))
{%- endmacro %}
