-- the true click probability of every logged impression of the simulated world, with what happened
{{ config(enabled=var('raw_location') == '') }}
select
    impressions.impression_id,
    impressions.member_id,
    impressions.channel,
    impressions.position,
    impressions.variant,
    impressions.is_random,
    impressions.propensity,
    days.day,
    cast({{ true_click_probability('members', 'courses', 'days', 'channels', 'constants', "impressions.platform = 'mobile'", 'impressions.position') }} as double) as probability,
    impressions.is_click
from {{ ref('logged_impressions') }} as impressions
inner join {{ ref('truth_members') }} as members on impressions.member_id = members.member_id
inner join {{ ref('truth_courses') }} as courses on impressions.course_id = courses.course_id
inner join {{ ref('truth_days') }} as days on cast(impressions.served_at as date) = days.date
inner join {{ ref('truth_channels') }} as channels on impressions.channel = channels.channel
cross join {{ ref('truth_constants') }} as constants
