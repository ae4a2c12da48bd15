{# How staging reads raw tables, and what it refuses. The contract is the source `raw` (models/staging/_raw.yml). #}

{% macro raw_tables() %}
    {{ return([
        'members', 'courses', 'skills', 'skill_aliases', 'skill_similarities', 'categories', 'category_skills',
        'course_categories', 'course_skill_curation', 'course_sections', 'course_videos', 'course_transcripts',
        'editors_picks', 'member_subscriptions', 'member_profile_skills', 'title_industry_skills', 'followed_skills', 'job_skills', 'job_views',
        'impressions', 'engagements', 'autoplays', 'dismissals', 'email_sends',
    ]) }}
{% endmacro %}

{# What members did with courses: not read with the var no_events. #}
{% macro interaction_tables() %}{{ return(['impressions', 'engagements', 'autoplays', 'dismissals', 'email_sends']) }}{% endmacro %}

{% macro raw_contract_of(table) %}
    {#- the source node of a raw table, or none; only while executing -#}
    {% set found = namespace(node=none) %}
    {% for node in graph.sources.values() if node.source_name == 'raw' and node.name == table %}
        {% set found.node = node %}
    {% endfor %}
    {{ return(found.node) }}
{% endmacro %}

{% macro raw_scan(table, of_all_days=false) %}
    {#- what to select from, and the raw type of each column present: {'from': ..., 'types': {column: type}}; with the var
        no_events no rows of interactions, with retention_days none of older days; where rows say when they arrived, those
        that had before the day of the lists, and of one key what arrived last; all rows if asked for of_all_days -#}
    {% set files = ref('raw_files') %}
    {% set here = none if var('raw_location') else ref('raw_' ~ table) %}
    {% if not execute or adapter.get_relation(files.database, files.schema, files.identifier) is none %}
        {{ return(none) }}
    {% endif %}
    {% set types = {} %}
    {% set scan = namespace(text=here) %}
    {% for row in run_query("select column_name, column_type, scan from " ~ files ~ " where table_name = '" ~ table ~ "'") %}
        {% if row[0] %}{% do types.update({row[0]: row[1]}) %}{% endif %}
        {% if var('raw_location') %}{% set scan.text = row[2] %}{% endif %}
    {% endfor %}
    {% if scan.text and var('no_events') and table in interaction_tables() and not of_all_days %}
        {% set scan.text = '(select * from ' ~ scan.text ~ ' where false) as not_read' %}
    {% endif %}
    {% if scan.text and var('retention_days') and not of_all_days %}
        {% for column in raw_contract_of(table).columns.values() if column.config.meta.event and column.name in types %}
            {% set day = 'trim("' ~ column.name ~ '")' if types[column.name] == 'VARCHAR' else '"' ~ column.name ~ '"' %}
            {% set first_day = '(select as_of_date - ' ~ var('retention_days') ~ ' from ' ~ ref('as_of_date') ~ ')' %}
            {% set scan.text = '(select * from ' ~ scan.text ~ ' where coalesce(try_cast(' ~ day ~ ' as timestamp) >= ' ~ first_day ~ ', true)) as kept_days' %}
        {% endfor %}
    {% endif %}
    {% if scan.text and 'arrived_at' in types and var('raw_location') and not of_all_days %}
        {% set keys = [] %}
        {% for column in raw_contract_of(table).columns.values() if column.config.meta.key %}{% do keys.append('"' ~ column.name ~ '"') %}{% endfor %}
        {% set arrived = 'try_cast(' ~ ('trim("arrived_at")' if types.arrived_at == 'VARCHAR' else '"arrived_at"') ~ ' as timestamp)' %}
        {% set scan.text = '(select * from ' ~ scan.text ~ ' where coalesce(' ~ arrived ~ ' < (select as_of_date from ' ~ ref('as_of_date') ~ '), true) '
            ~ 'qualify rank() over (partition by ' ~ keys | join(', ') ~ ' order by ' ~ arrived ~ ' desc nulls last) = 1) as arrived_rows' %}
    {% endif %}
    {{ return({'from': scan.text, 'types': types}) }}
{% endmacro %}

{% macro raw_type(data_type) %}{{ return(var('id_type') if data_type == 'id' else data_type) }}{% endmacro %}

{#- select of the rows of a raw table with typed columns and, where a rule is broken, column_name and reason -#}
{% macro judged(table) %}
{%- set node = raw_contract_of(table) -%}
{%- set scan = raw_scan(table) -%}
{%- set columns = node.columns.values() | list -%}
{%- set keys = columns | selectattr('config.meta.key', 'defined') | map(attribute='name') | list -%}
with read_rows as {{ materialized() }} (
    select
    {%- for column in columns %}
        {%- set raw = scan.types.get(column.name) if scan else none %}
        {% if raw is none or raw is undefined -%}
            cast(null as {{ type_of(raw_type(column.data_type)) }})
        {%- elif raw in ('DOUBLE', 'FLOAT') and column.data_type == 'id' and var('id_type') == 'varchar' -%}
            {#- whole numbers with nulls become doubles in many exports: 42.0 is the key 42 -#}
            case when not isnan("{{ column.name }}") then regexp_replace(cast("{{ column.name }}" as string), '[.]0$', '') end
        {%- elif raw in ('DOUBLE', 'FLOAT') -%}
            case when not isnan("{{ column.name }}") then "{{ column.name }}" end
        {%- elif raw == 'VARCHAR' -%}
            nullif(trim("{{ column.name }}"), '')
        {%- else -%}
            "{{ column.name }}"
        {%- endif %} as raw_{{ column.name }},
    {%- endfor %}
        1 as one
    {%- if scan and scan.from %}
    from {{ scan.from }}
    {%- else %}
    where false
    {%- endif %}
),

typed_rows as (
    select
    {%- for column in columns %}
        try_cast(raw_{{ column.name }} as {{ type_of(raw_type(column.data_type)) }}) as {{ column.name }},
        raw_{{ column.name }},
    {%- endfor %}
        one
    from read_rows
),

{%- set rules = [] -%}
{%- for column in columns -%}
    {%- set name = column.name -%}
    {%- set meta = column.config.meta -%}
    {%- set type = raw_type(column.data_type) -%}
    {%- if meta.required -%}
        {%- do rules.append((name, 'missing ' ~ name, 'raw_' ~ name ~ ' is null')) -%}
    {%- endif -%}
    {%- set raw = scan.types.get(name) if scan else none -%}
    {%- if raw and raw != type | upper -%}
        {%- set wrong = 'raw_' ~ name ~ ' is not null and ' ~ name ~ ' is null' -%}
        {%- if type == 'bigint' and (raw in ('DOUBLE', 'FLOAT', 'VARCHAR') or raw.startswith('DECIMAL')) -%}
            {%- set wrong = '(' ~ wrong ~ ' or try_cast(raw_' ~ name ~ ' as double) <> ' ~ name ~ ')' -%}
        {%- endif -%}
        {%- do rules.append((name, name ~ ' is not a ' ~ type, wrong)) -%}
    {%- endif -%}
    {%- if type == 'double' -%}
        {%- do rules.append((name, name ~ ' is not finite', 'isnan(' ~ name ~ ') or abs(' ~ name ~ ") = cast('Infinity' as double)")) -%}
    {%- endif -%}
    {%- if meta.minimum is defined -%}
        {%- do rules.append((name, name ~ ' below ' ~ meta.minimum, name ~ ' < ' ~ meta.minimum)) -%}
    {%- endif -%}
    {%- if meta.maximum is defined -%}
        {%- do rules.append((name, name ~ ' above ' ~ meta.maximum, name ~ ' > ' ~ meta.maximum)) -%}
    {%- endif -%}
    {%- if meta.accepts is defined -%}
        {%- do rules.append((name, name ~ ' is none of ' ~ meta.accepts | join(', '), name ~ " not in ('" ~ meta.accepts | join("', '") ~ "')")) -%}
    {%- endif -%}
    {%- if meta.event -%}
        {%- do rules.append((name, name ~ ' out of range', name ~ " < date '1990-01-01' or " ~ name ~ ' >= cast((select latest_date from ' ~ ref('as_of_date') ~ ') as timestamp)')) -%}
    {%- endif -%}
    {%- if meta.references is defined -%}
        {%- do rules.append((name, 'unknown ' ~ name, name ~ ' is not null and known_' ~ name ~ ' is null')) -%}
    {%- endif -%}
{%- endfor -%}

known_rows as (
    select
        typed_rows.*
    {%- for column in columns if column.config.meta.references is defined %},
        known_{{ loop.index }}.key as known_{{ column.name }}
    {%- endfor %}
    from typed_rows
    {%- for column in columns if column.config.meta.references is defined %}
    {%- set target_table = column.config.meta.references %}
    {%- set target_key = target_table[:-3] ~ 'y_id' if target_table.endswith('ies') else target_table[:-1] ~ '_id' %}
    left join (select {{ target_key }} as key from {{ ref('stg_' ~ target_table) }}) as known_{{ loop.index }}
        on typed_rows.{{ column.name }} = known_{{ loop.index }}.key
    {%- endfor %}
    {%- if table == 'members' %}
    where not {{ is_forgotten('typed_rows.member_id') }}
    {%- endif %}
    {%- for column in columns if column.config.meta.references is defined %}
    {%- if column.config.meta.references == 'members' %}
    where known_{{ loop.index }}.key is not null or not {{ is_forgotten('typed_rows.' ~ column.name) }}
    {%- endif %}
    {%- endfor %}
),

ruled_rows as {{ materialized() }} (
    select
        known_rows.*,
        case
        {%- for name, reason, broken in rules %}
            when {{ broken }} then {{ loop.index }}
        {%- endfor %}
        end as rule
    from known_rows
),

-- of the rows with one key that break no other rule, one stays
repeated_keys as (
    select {{ keys | join(', ') }}
    from ruled_rows
    where rule is null
    group by {{ keys | join(', ') }}
    having count(*) > 1
),

numbered_rows as (
    select ruled_rows.*, 1 as copy_number
    from ruled_rows
    anti join repeated_keys using ({{ keys | join(', ') }})
    union all
    select
        ruled_rows.*,
        row_number() over (
            partition by {{ keys | join(', ') }}
            order by rule nulls first{% for column in columns %}, {{ column.name }} nulls last{% endfor %}
        ) as copy_number
    from ruled_rows
    semi join repeated_keys using ({{ keys | join(', ') }})
)

select
{%- for column in columns %}
    {{ column.name }},
{%- endfor %}
    case
    {%- for name, reason, broken in rules %}
        when rule = {{ loop.index }} then '{{ name }}'
    {%- endfor %}
        when copy_number > 1 then '{{ keys | join(', ') }}'
    end as column_name,
    case
    {%- for name, reason, broken in rules %}
        when rule = {{ loop.index }} then '{{ reason | replace("'", "''") }}'
    {%- endfor %}
        when copy_number > 1 then 'duplicate key'
    end as reason,
    case
    {%- for name, reason, broken in rules %}
        when rule = {{ loop.index }} then cast(raw_{{ name }} as string)
    {%- endfor %}
    end as value,
    {% for key in keys %}coalesce(cast(raw_{{ key }} as string), '?'){{ " || ', ' || " if not loop.last }}{% endfor %} as row_key
from numbered_rows
{% endmacro %}

{#- the body of every stg_ model; `references` declares the staged tables its keys point to -#}
{% macro stage(table, references=[]) %}
{%- do source('raw', table) -%}
{%- do raw_scan(table) -%}
{%- do ref('as_of_date') -%}
{%- for name in references %}{% do ref('stg_' ~ name) %}{% endfor -%}
{%- if execute -%}
{%- set node = raw_contract_of(table) -%}
{%- for column in node.columns.values() if column.config.meta.references is defined and column.config.meta.references not in references -%}
    {{ exceptions.raise_compiler_error("stg_" ~ table ~ ": the contract lets " ~ column.name ~ " refer to " ~ column.config.meta.references ~ "; name it in stage()") }}
{%- endfor -%}
select
{%- for column in node.columns.values() %}
    {{ column.name }}{{ ',' if not loop.last }}
{%- endfor %}
from ({{ judged(table) }}) as judged_rows
where reason is null
{%- endif -%}
{% endmacro %}

{#- after a staged table is built: say how many rows were refused, and stop where they are too many -#}
{% macro report_quarantine() %}
{%- if execute and this.identifier.startswith('stg_') -%}
    {%- set table = this.identifier[4:] -%}
    {%- set scan = raw_scan(table) -%}
    {%- if scan and scan.from -%}
        {%- set total = run_query('select count(*) from ' ~ scan.from)[0][0] -%}
        {%- set good = run_query('select count(*) from ' ~ this)[0][0] -%}
        {%- if total != good -%}
            {#- the others are of forgotten members -#}
            {%- set reasons = run_query('select reason, count(*) as rows, min(row_key) as example, min_by(value, row_key) as value from (' ~ judged(table) ~ ') where reason is not null group by reason order by rows desc, reason') -%}
            {%- set refused = reasons.columns['rows'].values() | sum -%}
            {%- set total = good + refused -%}
            {%- set listed = [] -%}
            {%- for row in reasons %}{% do listed.append(row[0] ~ ': ' ~ row[1] ~ ', for example key ' ~ row[2] ~ (" with '" ~ row[3] ~ "'" if row[3] is not none else '') ~ written_as(row[0])) %}{% endfor -%}
            {%- set message = 'raw table ' ~ table ~ ': ' ~ refused ~ ' of ' ~ total ~ ' rows break the contract (' ~ listed | join('; ') ~ ')' -%}
            {%- if refused > var('max_quarantine_share') | float * total -%}
                {%- set share = (100 * refused / total) | round(0, 'ceil') / 100 -%}
                {{ exceptions.raise_compiler_error(message ~ '. That is more than max_quarantine_share = ' ~ var('max_quarantine_share') ~ '. Remedy: ' ~ text_keys_remedy(table, scan, reasons) ~ "correct the rows, or let them go with --vars '" ~ vars_with({'max_quarantine_share': share}) ~ "'; staging.quarantine then lists every one. The published file is unchanged.") }}
            {%- endif -%}
            {%- if refused %}{{ log('quarantine: ' ~ message, info=true) }}{% endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endif -%}
{% endmacro %}

{#- words for those whose keys are texts and who did not say so -#}
{% macro text_keys_remedy(table, scan, reasons) %}
{%- set refused = reasons.columns[0].values() -%}
{%- for column in raw_contract_of(table).columns.values() if column.data_type == 'id' and column.name ~ ' is not a bigint' in refused and scan.types[column.name] in ('VARCHAR', 'UUID') -%}
    {{ return("if " ~ column.name ~ " is a text by nature, build with --vars '" ~ vars_with({'id_type': 'varchar'}) ~ "'; else ") }}
{%- endfor -%}
{{ return('') }}
{% endmacro %}

{#- how a refused value should have been written -#}
{% macro written_as(reason) %}
{%- if reason.endswith(' is not a date') -%}{{ return('; write dates as 2024-01-31') }}{%- endif -%}
{%- if reason.endswith(' is not a timestamp') -%}{{ return('; write times as 2024-01-31 09:30:00') }}{%- endif -%}
{%- if reason.endswith(' is not a double') -%}{{ return('; write numbers as 1200.5') }}{%- endif -%}
{{ return('') }}
{% endmacro %}
