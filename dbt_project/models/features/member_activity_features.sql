-- Counts of everything before the day, in all and by channel, as log(1 + n). A snapshot on the day after each active day
-- holds every channel so far, also those without activity on that day: it takes the place of the one before.
{{ config(day='feature_date') }}
with daily_counts as (
    select member_id, channel, feature_date, sum(impressions) as impressions, sum(engagements) as engagements
    from {{ of_members_made_anew(ref('daily_activity')) }} as daily_activity
    group by member_id, channel, feature_date
),

channel_days as (
    select days.member_id, channels.channel, days.feature_date
    from (select distinct member_id, feature_date from daily_counts) as days
    inner join (select distinct member_id, channel from daily_counts) as channels on days.member_id = channels.member_id
),

all_running_counts as (
    select
        member_id,
        channel,
        feature_date,
        sum(coalesce(daily_counts.impressions, 0)) over (partition by member_id, channel order by feature_date) as impressions,
        sum(coalesce(daily_counts.engagements, 0)) over (partition by member_id, channel order by feature_date) as engagements
    from channel_days
    left join daily_counts using (member_id, channel, feature_date)
),

running_counts as (
    select member_id, channel, feature_date, impressions, engagements
    from all_running_counts
    where {{ is_made_anew('feature_date') }}
)

select
    feature_date,
    member_id,
    'member_impressions' as feature,
    '' as term,
    cast(ln(1 + sum(impressions)) as double) as value
from running_counts
group by feature_date, member_id
having sum(impressions) > 0
union all
select
    feature_date,
    member_id,
    'member_engagements' as feature,
    '' as term,
    cast(ln(1 + sum(engagements)) as double) as value
from running_counts
group by feature_date, member_id
having sum(engagements) > 0
union all
select
    feature_date,
    member_id,
    'member_channel_impressions' as feature,
    channel as term,
    cast(ln(1 + impressions) as double) as value
from running_counts
where impressions > 0
union all
select
    feature_date,
    member_id,
    'member_channel_engagements' as feature,
    channel as term,
    cast(ln(1 + engagements) as double) as value
from running_counts
where engagements > 0
