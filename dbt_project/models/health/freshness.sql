-- How old the last event of each table is, and how much of the table lies ahead of the day of the lists. Where that day was
-- chosen, events after it are meant to be unknown.
{%- for table, time in event_times().items() %}
select
    'freshness' as check_name,
    '{{ table }}' as subject,
    cast({{ as_of_date() }} - max(case when {{ time }} < {{ as_of_date() }} then cast({{ time }} as date) end) as double) as value
from {{ ref('stg_' ~ table) }}
{%- if not var('as_of_date') %}
union all
select
    'future_share' as check_name,
    '{{ table }}' as subject,
    round(avg(case when {{ time }} >= {{ as_of_date() }} then 1.0e0 else 0 end), 9) as value
from {{ ref('stg_' ~ table) }}
having count(*) > 0
{%- endif %}
{{ 'union all' if not loop.last }}
{%- endfor %}
