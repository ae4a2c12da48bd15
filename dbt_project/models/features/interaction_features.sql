-- How often a course was shown to a member before the day, and how often the member engaged with it, by channel, as
-- log(1 + n). The family is the channel: its snapshot, on the day after each active day, holds until the next one.
{{ config(day='feature_date') }}
with running_counts as (
    select
        member_id,
        course_id,
        channel,
        feature_date,
        sum(impressions) over (partition by member_id, course_id, channel order by feature_date) as impressions,
        sum(engagements) over (partition by member_id, course_id, channel order by feature_date) as engagements
    from {{ of_members_made_anew(ref('daily_activity')) }} as daily_activity
)

select
    channel as family,
    feature_date,
    member_id,
    course_id,
    'prior_impressions' as feature,
    channel as term,
    cast(round(ln(1 + impressions), 12) as double) as value
from running_counts
where impressions > 0 and {{ is_made_anew('feature_date') }}
union all
select
    channel as family,
    feature_date,
    member_id,
    course_id,
    'prior_engagements' as feature,
    channel as term,
    cast(round(ln(1 + engagements), 12) as double) as value
from running_counts
where engagements > 0 and {{ is_made_anew('feature_date') }}
