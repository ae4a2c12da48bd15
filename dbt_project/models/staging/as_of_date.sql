-- The day the lists are made for: the var, or the day after the last event. Stray times in the future do not count: days
-- are walked forward from the middle of the log until more than a year without any event, or more than a month with no
-- more than a thousandth of the log behind it.
{%- set events = [('impressions', 'served_at'), ('engagements', 'engaged_at')] %}
with event_days as (
{%- for table, column in events %}
    {%- set scan = raw_scan(table, of_all_days=true) %}
    {%- if scan and column in scan.types and scan.from %}
    select try_cast({{ column }} as date) as event_date, count(*) as events
    from {{ scan.from }}
    where {{ column }} is not null
    group by 1
    {%- else %}
    select cast(null as date) as event_date, 0 as events
    where false
    {%- endif %}
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

walked_days as (
    select
        event_date,
        1 - sum(sum(events)) over (order by event_date desc) / sum(sum(events)) over () as share_before,
        {{ day_diff('lag(event_date) over (order by event_date)', 'event_date') }} as days_without
    from event_days
    where event_date >= date '1990-01-01' and event_date < date '9999-01-01'
    group by event_date
),

first_gap as (
    select min(event_date) as gap_date
    from walked_days
    where (days_without > 365 and share_before > 0.5) or (days_without > 30 and share_before >= 0.999)
),

last_event as (
    select max(walked_days.event_date) + 1 as as_of_date
    from walked_days
    cross join first_gap
    where first_gap.gap_date is null or walked_days.event_date < first_gap.gap_date
),

chosen as (
    select
    {%- if var('as_of_date') %}
        cast('{{ var("as_of_date") }}' as date) as as_of_date,
    {%- else %}
        coalesce(as_of_date, date '2024-01-01') as as_of_date,
    {%- endif %}
        as_of_date as after_log
    from last_event
)

select
    cast(as_of_date as date) as as_of_date,
    cast(coalesce(greatest(as_of_date, after_log), as_of_date) + 366 as date) as latest_date
from chosen
