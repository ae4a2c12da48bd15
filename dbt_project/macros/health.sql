{# Raw tables of events and when theirs happened: columns that the raw contract marks as `event`. #}
{% macro event_times() %}
    {{ return({
        'impressions': 'served_at', 'engagements': 'engaged_at', 'autoplays': 'played_at', 'email_sends': 'sent_at',
        'dismissals': 'dismissed_at', 'followed_skills': 'followed_at', 'job_views': 'viewed_at',
    }) }}
{% endmacro %}

{# Columns that features are made of and that may be null, by raw table. #}
{% macro watched_columns() %}
    {{ return({
        'members': ['title', 'industry', 'function', 'seniority'],
        'courses': ['description', 'difficulty', 'duration_seconds', 'released_date'],
        'impressions': ['platform', 'position'],
        'engagements': ['impression_id'],
    }) }}
{% endmacro %}

{# From how many rows on a ratio says something: fewer are expected to move by a fifth from day to day. #}
{% macro rows_to_tell() %}30{% endmacro %}

{# What is not as it should be, as a sentence. #}
{% macro health_sentence() -%}
    status || ': ' || check_name || ' of ' || subject || ' is ' || round(value, 4)
    || case when value < low then ', below ' || low else ', above ' || high end || '. ' || description
{%- endmacro %}

{# After `health` is built: say what is not as it should be, since a test says only how many rows. #}
{% macro report_health() %}
{%- if execute -%}
    {%- for row in run_query("select " ~ health_sentence() ~ " from " ~ this ~ " where status in ('warn', 'error') order by status, check_name, subject") -%}
        {{ log('health: ' ~ row[0], info=true) }}
    {%- endfor -%}
{%- endif -%}
{% endmacro %}
