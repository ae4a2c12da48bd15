-- What became known of a member and a course on the day before feature_date, by channel. An engagement belongs to the channel of
-- the impression it names, else to `other`.
with events as (
    select
        member_id,
        course_id,
        channel,
        {{ known_date('impressions', 'served_at') }} + 1 as feature_date,
        1 as impressions,
        0 as clicks,
        0 as engagements
    from {{ ref('stg_impressions') }} as impressions
    union all
    select
        engagements.member_id,
        engagements.course_id,
        coalesce(impressions.channel, 'other') as channel,
        {{ known_date('engagements', 'engaged_at') }} + 1 as feature_date,
        0 as impressions,
        case when engagements.action = 'click' then 1 else 0 end as clicks,
        1 as engagements
    from {{ ref('stg_engagements') }} as engagements
    left join {{ ref('stg_impressions') }} as impressions
        on engagements.impression_id = impressions.impression_id and engagements.member_id = impressions.member_id
)

select
    cast(feature_date as date) as feature_date,
    member_id,
    course_id,
    channel,
    cast(sum(impressions) as bigint) as impressions,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(engagements) as bigint) as engagements
from events
group by feature_date, member_id, course_id, channel
