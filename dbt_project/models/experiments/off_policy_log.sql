-- What policies are valued from (section 4.4): impressions with the probability by which they were shown, on days that nothing
-- has learned from. Simulated: every session of the feed after the log, all of its slots filled at random. Logged: impressions
-- with a propensity from the day of the lists on, if `as_of_date` leaves any. `place` counts the courses of a list before the
-- page that was open.
with logged as (
    select
        'log' as origin,
        cast(impressions.impression_id as string) as log_id,
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
    from {{ ref('experiment_sessions') }} as sessions
    inner join {{ ref('truth_channels') }} as channels on sessions.channel = channels.channel
    inner join {{ numbers(6) }} as positions on positions.number < {{ list_length('channels.examination') }}
    cross join catalogue
    where sessions.channel = 'feed'
)
{%- endif %}

select
    origin,
    log_id,
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
    session_id || '-' || position as log_id,
    member_id,
    channel,
    cast(position as integer) as position,
    place,
    cast(course_number as integer) as course_number,
    1.0e0 / courses as propensity,
    click
from ({{ true_clicks('drawn') }}) as clicks
{%- endif %}
