-- Rows of the last day against the same weekday of the four weeks before, as far as the table goes back: a week has its
-- rhythm, and e-mails go out once in it. No value where fewer rows are expected than tell anything.
{%- set last_day = as_of_date() ~ ' - 1' %}
with events as (
{%- for table, time in event_times().items() %}
    select '{{ table }}' as subject, cast({{ time }} as date) as event_date
    from {{ ref('stg_' ~ table) }}
    where {{ time }} < {{ as_of_date() }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

counts as (
    select
        subject,
        sum(case when event_date = {{ last_day }} then 1 else 0 end) as rows_now,
        sum(
            case when {{ last_day }} - event_date in (7, 14, 21, 28) then 1 else 0 end
        ) / nullif(least(floor(({{ last_day }} - min(event_date)) / 7), 4), 0) as rows_before
    from events
    group by subject
)

select
    'volume' as check_name,
    subject,
    cast(case when rows_before >= {{ rows_to_tell() }} then round(rows_now / rows_before, 9) end as double) as value
from counts
