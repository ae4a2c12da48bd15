-- The subscription of the day before, and how many there were: a snapshot after each day on which a period starts or ends. Of periods that overlap
-- the one that started last counts; after the last one the member has none.
with change_dates as (
    select member_id, started_date as change_date
    from {{ ref('stg_member_subscriptions') }}
    union
    select member_id, ended_date as change_date
    from {{ ref('stg_member_subscriptions') }}
    where ended_date is not null
),

running_periods as (
    select change_dates.member_id, change_dates.change_date, periods.subscription
    from change_dates
    left join {{ ref('stg_member_subscriptions') }} as periods
        on change_dates.member_id = periods.member_id
        and periods.started_date <= change_dates.change_date
        and coalesce(periods.ended_date > change_dates.change_date, true)
    qualify row_number() over (
        partition by change_dates.member_id, change_dates.change_date
        order by periods.started_date desc nulls last, periods.subscription
    ) = 1
)

select
    cast(change_date + 1 as date) as feature_date,
    member_id,
    'member_subscription' as feature,
    coalesce(subscription, 'none') as term,
    cast(1 as double) as value
from running_periods
union all
select
    cast(change_dates.change_date + 1 as date) as feature_date,
    change_dates.member_id,
    'member_purchases' as feature,
    '' as term,
    cast(round(ln(1 + count(*)), 12) as double) as value
from change_dates
inner join {{ ref('stg_member_subscriptions') }} as periods
    on change_dates.member_id = periods.member_id and periods.started_date <= change_dates.change_date
group by change_dates.member_id, change_dates.change_date
