-- P(click) of the simulated world: from truth.click_probability(42, 7, date '2024-02-20', 'feed', position := 1)
{{ config(
    enabled=var('raw_location') == '',
    materialized='table_function', persist_docs={},
    parameters=['member', 'course', 'on_date', 'in_channel', 'position := 1', 'is_mobile := false']
) }}
select
    {{ true_click_probability('members', 'courses', 'days', 'channels', 'constants', 'is_mobile', 'position') }} as probability
from {{ ref('truth_members') }} as members
cross join {{ ref('truth_courses') }} as courses
cross join {{ ref('truth_days') }} as days
cross join {{ ref('truth_channels') }} as channels
cross join {{ ref('truth_constants') }} as constants
where members.member_id = member
    and courses.course_id = course
    and days.date = on_date
    and channels.channel = in_channel
