-- Every positive action, one shape. It belongs to the impression it names, else to the latest impression of the same
-- member and course in the day before; its channel is that impression's.
with attributed as (
    select
        engagements.member_id,
        engagements.course_id,
        engagements.action,
        engagements.engaged_at,
        engagements.watch_seconds,
        coalesce(named.impression_id, latest.impression_id) as impression_id,
        coalesce(named.channel, latest.channel, 'other') as channel
    from {{ ref('stg_engagements') }} as engagements
    left join {{ ref('stg_impressions') }} as named
        on engagements.impression_id = named.impression_id
        and engagements.member_id = named.member_id
        and engagements.course_id = named.course_id
    left join {{ latest_impressions() }} as latest
        on named.impression_id is null
        and engagements.member_id = latest.member_id
        and engagements.course_id = latest.course_id
        and engagements.action = latest.action
        and engagements.engaged_at = latest.engaged_at
)

select
    member_id,
    course_id,
    action,
    engaged_at,
    cast(engaged_at as date) as engaged_date,
    channel,
    impression_id,
    watch_seconds
from attributed
