-- the calendar of the feature repository: every day from the first event to the day of the lists
with first_event as (
    select coalesce(min(event_date), {{ as_of_date() }}) as first_date
    from (
        select min(cast(served_at as date)) as event_date
        from {{ ref('stg_impressions') }}
        union all
        select min(cast(engaged_at as date)) as event_date
        from {{ ref('stg_engagements') }}
    )
)

select cast(dates.feature_date as date) as feature_date
from first_event
cross join lateral {{ date_series('first_event.first_date', as_of_date()) }} as dates
