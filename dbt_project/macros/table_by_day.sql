{# A table of which a day (dbt build --selector day) makes only those days anew for which something changed: new days, and those
   that something late, corrected or forgotten reaches. Any other build makes the table anew. `day`, in the model's config, is
   the day of a row; the SQL leaves out other days by `is_made_anew`, and reads nothing of later days.

   Of every day a version is kept, of what its rows are made of. Of what the model reads, these are rows of that day, where the table
   has a `day` in its own config; rows up to that day, where that is the feature_date, or it has one; rows of the members, else
   the courses, that were met by then, where it is about them alone; all others as a whole, with the code. Tables that are kept while
   nothing changes (`table_when_changed`) hold from the beginning, whatever their feature_date. #}
{% materialization table_by_day, adapter='duckdb', supported_languages=['sql'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set made = this.incorporate(type='table') -%}
    {% call statement('versions') -%}
        create or replace temporary table new_versions as {{ day_versions_now() }}
    {%- endcall %}
    {%- set is_kept = invocation_args_dict.selector == 'day' and existing is not none and existing.is_table and not should_full_refresh()
        and run_query(has_day_version())[0][0] -%}
    {% call statement('days') -%}
        delete from {{ days_made_anew() }} where model = '{{ model.name }}';
        insert into {{ days_made_anew() }}
        select '{{ model.name }}', day
        from new_versions
        full join (select day, version from {{ day_versions() }} where model = '{{ model.name }}' and {{ is_kept }}) as old_versions using (day)
        where new_versions.version is distinct from old_versions.version
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

{# Whether some day of the table is as it would be made now. #}
{% macro has_day_version() %}
    select count(*) > 0 from new_versions semi join {{ day_versions() }} as old_versions on old_versions.model = '{{ model.name }}'
        and new_versions.day = old_versions.day and new_versions.version = old_versions.version
{% endmacro %}

{# Rows (day, state) of a table by the day. #}
{% macro versions_of(node) -%}
    select day, version as state from {{ day_versions() }} where model = '{{ node.name }}'
{%- endmacro %}

{# Rows (day, version). #}
{% macro day_versions_now() -%}
    {%- set of_the_day, until_the_day, others = [], [], [] -%}
    {%- set whole, equal, latest = [code_version()], [], [] -%}
    {%- for node in tables_read() -%}
        {%- set relation = api.Relation.create(node.database, node.schema, node.alias) -%}
        {%- set day, is_by_day = node.config.get('day'), node.config.materialized == 'table_by_day' -%}
        {%- if is_by_day and day == 'feature_date' -%}
            {%- do latest.append(versions_of(node)) -%}
        {%- elif day -%}
            {%- do of_the_day.append((day, relation, node)) -%}
            {%- do equal.append(versions_of(node) if is_by_day else 'select ' ~ day ~ ' as day, ' ~ checksum('rows') ~ ' as state from ' ~ relation ~ ' as rows group by 1') -%}
        {%- elif 'feature_date' in node.columns and node.config.materialized != 'table_when_changed' -%}
            {%- do until_the_day.append(('feature_date', relation, node)) -%}
            {%- do latest.append('select feature_date as day, sum(' ~ checksum('rows') ~ ') over (order by feature_date) as state from ' ~ relation ~ ' as rows group by 1') -%}
        {%- else -%}
            {%- do others.append((relation, node)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set met = of_the_day or until_the_day -%}
    {%- for relation, node in others -%}
        {%- set found = namespace(key=none) -%}
        {%- for key in ('member_id', 'course_id') if key in node.columns and found.key is none -%}
            {%- for day, rows, meeting in met if key in meeting.columns and found.key is none -%}
                {%- set found.key = key -%}
                {%- set states = 'select met.day, sum(about.state) as state from (select distinct ' ~ day ~ ' as day, ' ~ key ~ ' from ' ~ rows ~ ') as met inner join (select '
                    ~ key ~ ', ' ~ checksum('rows') ~ ' as state from ' ~ relation ~ ' as rows group by ' ~ key ~ ') as about using (' ~ key ~ ') group by met.day' -%}
                {%- if of_the_day -%}
                    {%- do equal.append(states) -%}
                {%- else -%}
                    {%- do latest.append('select day, sum(state) over (order by day) as state from (' ~ states ~ ')') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if found.key is none %}{% do whole.append(checksum_of_table(node)) %}{% endif -%}
    {%- endfor -%}
    with days as (
        {%- for day, relation, node in met %}
        {{ 'select day from (' ~ versions_of(node) ~ ')' if node.config.materialized == 'table_by_day' else 'select ' ~ day ~ ' as day from ' ~ relation }}
        {{- ' union ' if not loop.last }}
        {%- endfor %}
        {{- 'select cast(null as date) as day where false' if not met }}
    )

    select days.day, md5(concat_ws('|', {{ whole | join(', ') }}
        {%- for _ in equal %}, coalesce(cast(equal_{{ loop.index }}.state as varchar), ''){% endfor %}
        {%- for _ in latest %}, coalesce(cast(latest_{{ loop.index }}.state as varchar), ''){% endfor %})) as version
    from (select distinct day from days) as days
    {%- for states in equal %}
    left join ({{ states }}) as equal_{{ loop.index }} on days.day = equal_{{ loop.index }}.day
    {%- endfor %}
    {%- for states in latest %}
    asof left join ({{ states }}) as latest_{{ loop.index }} on days.day >= latest_{{ loop.index }}.day
    {%- endfor %}
{%- endmacro %}
