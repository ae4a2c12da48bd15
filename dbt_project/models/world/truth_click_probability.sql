-- P(click) of the simulated world: from truth.click_probability(42, 7, date '2024-02-20', 'feed', position := 1)
{{ config(
    enabled=var('raw_location') == '',
    materialized='table_function',
    parameters=['member', 'course', 'on_date', 'in_channel', 'position := 1', 'is_mobile := false']
) }}
-- the arguments get names of their own first: a caller's column must not be taken for one of the truth tables
with asked as (
    select
        member as asked_member,
        course as asked_course,
        on_date as asked_date,
        in_channel as asked_channel,
        position as asked_position,
        is_mobile as asked_is_mobile
)

select
    {{ true_click_probability('members', 'courses', 'days', 'channels', 'constants', 'asked_is_mobile', 'asked_position') }} as probability
from asked
cross join {{ ref('truth_members') }} as members
cross join {{ ref('truth_courses') }} as courses
cross join {{ ref('truth_days') }} as days
cross join {{ ref('truth_channels') }} as channels
cross join {{ ref('truth_constants') }} as constants
where members.member_id = asked_member
    and courses.course_id = asked_course
    and days.date = asked_date
    and channels.channel = asked_channel
