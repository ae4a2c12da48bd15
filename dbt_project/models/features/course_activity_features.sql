-- How a course did before the day: click rate of 14 days against the platform's (log ratio, 20 average impressions as
-- prior; clicks from elsewhere count no further than impressions) and engagements of 28 days (log). A snapshot on each day that has some, and on the first day without.
{%- set rate_days = 14 %}
{%- set count_days = 28 %}
with daily_counts as (
    select
        course_id,
        feature_date - 1 as event_date,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(engagements) as engagements
    from {{ ref('daily_activity') }}
    group by course_id, feature_date
),

-- a count enters the window the day after and leaves it when the window has passed
steps as (
    select course_id, event_date + 1 as feature_date, impressions, clicks, engagements
    from daily_counts
    union all
    select course_id, event_date + {{ rate_days + 1 }} as feature_date, -impressions as impressions, -clicks as clicks, 0 as engagements
    from daily_counts
    union all
    select course_id, event_date + {{ count_days + 1 }} as feature_date, 0 as impressions, 0 as clicks, -engagements as engagements
    from daily_counts
),

change_days as (
    select
        course_id,
        feature_date,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(engagements) as engagements
    from steps
    group by course_id, feature_date
),

course_days as (
    select
        course_spans.course_id,
        feature_dates.feature_date,
        coalesce(change_days.impressions, 0) as impressions,
        coalesce(change_days.clicks, 0) as clicks,
        coalesce(change_days.engagements, 0) as engagements
    from (
        select course_id, min(feature_date) as first_date, max(feature_date) as last_date
        from change_days
        group by course_id
    ) as course_spans
    -- feature_dates ends on the day of the lists, a span when the last event has left every window
    inner join {{ ref('feature_dates') }} as feature_dates
        on feature_dates.feature_date between course_spans.first_date and course_spans.last_date
    left join change_days
        on course_spans.course_id = change_days.course_id and feature_dates.feature_date = change_days.feature_date
),

windows as (
    select
        course_id,
        feature_date,
        sum(impressions) over (partition by course_id order by feature_date) as impressions,
        sum(clicks) over (partition by course_id order by feature_date) as clicks,
        sum(engagements) over (partition by course_id order by feature_date) as engagements
    from course_days
),

emptied as (
    select
        course_id,
        feature_date,
        impressions + engagements as events,
        lag(impressions + engagements) over (partition by course_id order by feature_date) as events_before
    from windows
),

platform_rates as (
    select feature_date, sum(least(clicks, impressions)) / nullif(cast(sum(impressions) as double), 0) as click_rate
    from windows
    group by feature_date
)

select
    windows.feature_date,
    windows.course_id,
    'course_click_rate_14d' as feature,
    '' as term,
    cast(
        ln(
            (least(windows.clicks, windows.impressions) + 20 * platform_rates.click_rate)
            / (windows.impressions + 20)
            / platform_rates.click_rate
        )
        as double
    ) as value
from windows
inner join platform_rates using (feature_date)
where windows.impressions > 0 and platform_rates.click_rate > 0
union all
select feature_date, course_id, 'course_popularity' as feature, '' as term, cast(ln(1 + engagements) as double) as value
from windows
where engagements > 0
union all
-- the first day without either: an empty snapshot
select feature_date, course_id, 'course_popularity' as feature, '' as term, cast(0 as double) as value
from emptied
where events = 0 and events_before > 0
