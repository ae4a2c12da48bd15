-- the subscription of the day before: one snapshot when it starts, one when it ends
with changes as (
    select member_id, started_date + 1 as feature_date, subscription as term
    from {{ ref('stg_member_subscriptions') }}
    union all
    select ended.member_id, ended.ended_date + 1 as feature_date, 'none' as term
    from {{ ref('stg_member_subscriptions') }} as ended
    anti join {{ ref('stg_member_subscriptions') }} as started
        on ended.member_id = started.member_id and ended.ended_date = started.started_date
    where ended.ended_date is not null
)

select
    cast(feature_date as date) as feature_date,
    member_id,
    'member_subscription' as feature,
    max(term) as term,
    cast(1 as double) as value
from changes
group by feature_date, member_id
