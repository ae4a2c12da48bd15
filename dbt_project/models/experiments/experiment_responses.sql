-- What the members of a day did with what a variant showed them. Simulated: every variant is served to every session of the
-- days after the log, and a click is drawn from the true probability by one chance per session, slot and course, so
-- variants that show the same have the same luck. An e-mail says why its first course is recommended, and is a session where
-- it is opened. Logged: what the variant of the log showed.
with logged as (
    select
        'log' as origin,
        impressions.variant,
        impressions.channel,
        impressions.member_id,
        cast(impressions.served_at as date) as date,
        true as is_personal,
        impressions.is_click as click,
        cast(null as double) as probability
    from {{ ref('logged_impressions') }} as impressions
    where impressions.variant in (select variant from {{ ref('experiment_variants') }} where origin = 'log')
),
{% if var('raw_location') == '' %}
compared as (
    select channel, variant
    from {{ ref('experiment_variants') }}
    where origin = 'simulation'
),

served as (
    select
        compared.variant,
        sessions.session_id,
        sessions.channel,
        sessions.member_id,
        sessions.date,
        sessions.is_mobile,
        sessions.place,
        sessions.open_chance,
        slates.courses,
        slates.is_personal
    from {{ ref('experiment_sessions') }} as sessions
    inner join compared using (channel)
    inner join {{ ref('experiment_slates') }} as slates
        on compared.variant = slates.variant
        and sessions.member_id = slates.member_id
        and (slates.day_of_week is null or slates.day_of_week = {{ day_of_week('sessions.date') }})
),

-- a reason is true where the profile has a skill that the course teaches, and the member is interested in its category today
sends as (
    select
        served.variant,
        served.session_id,
        served.channel,
        served.member_id,
        served.date,
        served.open_chance,
        {{ true_open_probability('members', 'constants', 'profile_skills.member_id is not null and case when members.switch_day <= days.day then ' ~ entry_of('members.interest_after', 'courses.category_index + 1') ~ ' else ' ~ entry_of('members.interest_before', 'courses.category_index + 1') ~ ' end > 0') }} as probability
    from served
    inner join {{ ref('candidate_courses') }} as numbers on {{ entry_of('served.courses', 1) }} = numbers.course_number
    inner join {{ ref('truth_courses') }} as courses on numbers.course_id = courses.course_id
    inner join {{ ref('truth_members') }} as members on served.member_id = members.member_id
    inner join {{ ref('truth_days') }} as days on served.date = days.date
    cross join {{ ref('truth_constants') }} as constants
    left join (
        select distinct ms01.member_id, taught.course_id
        from {{ ref('ms01') }} as ms01
        inner join {{ ref('truth_course_skills') }} as taught on ms01.skill_id = taught.skill_id
    ) as profile_skills
        on served.member_id = profile_skills.member_id and courses.course_id = profile_skills.course_id
    where served.open_chance is not null
),

shown as (
    select
        served.variant,
        served.channel,
        served.member_id,
        served.session_id,
        served.date,
        served.is_mobile,
        served.is_personal,
        positions.number + 1 as position,
        {{ entry_of('served.courses', 'served.place + positions.number + 1') }} as course_number
    from served
    inner join {{ ref('truth_channels') }} as channels on served.channel = channels.channel
    inner join {{ numbers(6) }} as positions on positions.number < {{ list_length('channels.examination') }}
    left join sends on served.session_id = sends.session_id and served.variant = sends.variant
    where served.open_chance is null or served.open_chance < sends.probability
),
{% endif %}
answers as (
    select
        origin,
        variant,
        channel,
        member_id,
        date,
        is_personal,
        click,
        probability,
        cast(null as integer) as open,
        cast(null as double) as open_probability
    from logged
    {%- if var('raw_location') == '' %}
    union all
    select
        'simulation' as origin,
        variant,
        channel,
        member_id,
        date,
        is_personal,
        click,
        probability,
        null as open,
        null as open_probability
    from ({{ true_clicks('shown') | indent(4) }}) as clicks
    union all
    select
        'simulation' as origin,
        variant,
        channel,
        member_id,
        date,
        false as is_personal,
        null as click,
        null as probability,
        case when open_chance < probability then 1 else 0 end as open,
        probability as open_probability
    from sends
    {%- endif %}
)

select
    origin,
    variant,
    channel,
    member_id,
    date,
    cast(count(click) as integer) as impressions,
    cast(sum(case when is_personal and click is not null then 1 else 0 end) as integer) as personal_impressions,
    cast(coalesce(sum(click), 0) as integer) as clicks,
    cast({{ exact_sum('probability') }} as double) as expected_clicks,
    cast({{ exact_sum('ln(1 - probability)') }} as double) as log_no_click,
    cast(count(open) as integer) as sends,
    cast(coalesce(sum(open), 0) as integer) as opens,
    cast({{ exact_sum('open_probability') }} as double) as expected_opens
from answers
group by origin, variant, channel, member_id, date
