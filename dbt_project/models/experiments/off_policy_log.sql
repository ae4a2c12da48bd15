-- What policies are valued from (section 4.4): impressions with the probability by which they were shown, on days that nothing
-- has learned from. Simulated: every session of the feed after the log, all of its slots filled at random. Logged: impressions
-- with a propensity from the day of the lists on, if `as_of_date` leaves any. `place` counts the courses of a list before the
-- page that was open.
with logged as (
    select
        'log' as origin,
        impressions.impression_id as row_number_in_log,
        impressions.member_id,
        impressions.channel,
        impressions.position,
        0 as place,
        numbers.course_number,
        impressions.propensity,
        impressions.is_click as click
    from {{ ref('logged_impressions') }} as impressions
    inner join {{ ref('candidate_courses') }} as numbers on impressions.course_id = numbers.course_id
    where impressions.served_at >= {{ as_of_date() }} and impressions.propensity > 0
){% if var('raw_location') == '' %},

catalogue as (
    select count(*) as courses
    from {{ ref('candidate_courses') }}
),

drawn as (
    select
        sessions.session_id,
        sessions.member_id,
        sessions.channel,
        sessions.date,
        sessions.is_mobile,
        sessions.place,
        positions.number + 1 as position,
        catalogue.courses,
        {{ hash_bucket(['sessions.session_id', 'positions.number'], 'random traffic', 'catalogue.courses') }} as course_number
    from {{ ref('truth_sessions') }} as sessions
    inner join {{ ref('truth_channels') }} as channels on sessions.channel = channels.channel
    inner join {{ numbers(6) }} as positions on positions.number < len(channels.examination)
    cross join catalogue
    where sessions.channel = 'feed'
)
{%- endif %}

select
    origin,
    cast(row_number_in_log as varchar) as log_id,
    member_id,
    channel,
    cast(position as integer) as position,
    cast(place as integer) as place,
    course_number,
    cast(propensity as double) as propensity,
    click
from logged
{%- if var('raw_location') == '' %}
union all
select
    'simulation' as origin,
    drawn.session_id || '-' || drawn.position as log_id,
    drawn.member_id,
    drawn.channel,
    cast(drawn.position as integer) as position,
    drawn.place,
    cast(drawn.course_number as integer) as course_number,
    1.0e0 / drawn.courses as propensity,
    case
        when {{ hash_bucket(['drawn.session_id', 'drawn.position', 'drawn.course_number'], 'clicks', 1000000000) }}
            < 1e9 * {{ true_click_probability('members', 'courses', 'days', 'channels', 'constants', 'drawn.is_mobile', 'drawn.position') }}
        then 1
        else 0
    end as click
from drawn
inner join {{ ref('candidate_courses') }} as numbers on drawn.course_number = numbers.course_number
inner join {{ ref('truth_courses') }} as courses on numbers.course_id = courses.course_id
inner join {{ ref('truth_members') }} as members on drawn.member_id = members.member_id
inner join {{ ref('truth_days') }} as days on drawn.date = days.date
inner join {{ ref('truth_channels') }} as channels on drawn.channel = channels.channel
cross join {{ ref('truth_constants') }} as constants
{%- endif %}
