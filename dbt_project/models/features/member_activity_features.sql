-- counts of everything before the day, as log(1 + n); a snapshot on the day after each active day
with daily_counts as (
    select
        member_id,
        cast(served_at as date) + 1 as feature_date,
        count(*) as impressions,
        0 as engagements
    from {{ ref('stg_impressions') }}
    group by member_id, cast(served_at as date)
    union all
    select
        member_id,
        cast(engaged_at as date) + 1 as feature_date,
        0 as impressions,
        count(*) as engagements
    from {{ ref('stg_engagements') }}
    group by member_id, cast(engaged_at as date)
),

running_counts as (
    select
        member_id,
        feature_date,
        sum(sum(impressions)) over (partition by member_id order by feature_date) as impressions,
        sum(sum(engagements)) over (partition by member_id order by feature_date) as engagements
    from daily_counts
    group by member_id, feature_date
)

select
    feature_date,
    member_id,
    'member_impressions' as feature,
    '' as term,
    cast(ln(1 + impressions) as double) as value
from running_counts
where impressions > 0
union all
select
    feature_date,
    member_id,
    'member_engagements' as feature,
    '' as term,
    cast(ln(1 + engagements) as double) as value
from running_counts
where engagements > 0
