{# The true click probability of the simulated world, as SQL over joined rows of the truth tables: members, courses, days,
   channels and constants are their aliases. The same formula as relevance.world.latents.click_logit. #}
{% macro true_click_logit(members, courses, days, channels, constants, is_mobile) -%}
    {{ channels }}.intercept
    + {{ members }}.propensity
    + sqrt(
        case when {{ members }}.switch_day <= {{ days }}.day
            then {{ entry_of(members ~ '.interest_after', courses ~ '.category_index + 1') }} + 0.3e0 * {{ entry_of(members ~ '.interest_after', courses ~ '.second_category_index + 1') }}
            else {{ entry_of(members ~ '.interest_before', courses ~ '.category_index + 1') }} + 0.3e0 * {{ entry_of(members ~ '.interest_before', courses ~ '.second_category_index + 1') }}
        end
    ) * (
        0.62e0 * {{ channels }}.interest
        + {{ constants }}.sub_topic_weight
        * (case when {{ entry_of(members ~ '.sub_topic', courses ~ '.category_index + 1') }} = {{ courses }}.sub_topic then 1 else 0 end - 0.25e0)
    )
    + {{ entry_of(members ~ '.taste', courses ~ '.category_index + 1') }}
    + {{ channels }}.quality * {{ courses }}.quality
    + {{ constants }}.course_function_weight * {{ entry_of(courses ~ '.function_effect', members ~ '.function_index + 1') }}
    + 0.5e0 * {{ constants }}.seniority_weight * (2.0e0 - {{ members }}.seniority_index) * ({{ courses }}.difficulty_index - 0.7e0)
    + {{ constants }}.novelty_weight * exp(-greatest({{ days }}.day - {{ courses }}.release_day, 0) / 15.0e0)
    + {{ constants }}.weekday_weight * {{ entry_of(days ~ '.weekday', courses ~ '.area_index + 1') }} * {{ members }}.weekday_strength
    + (
        case when {{ days }}.day < {{ constants }}.redesign_day then {{ channels }}.duration_before_redesign else {{ channels }}.duration end
        + case when {{ is_mobile }} then {{ constants }}.mobile_duration_weight else 0 end
    ) * (ln({{ courses }}.duration_minutes) - 4.3e0)
    + {{ entry_of(days ~ '.season', courses ~ '.area_index + 1') }}
{%- endmacro %}

{% macro true_click_probability(members, courses, days, channels, constants, is_mobile, position) -%}
    coalesce({{ entry_of(channels ~ '.examination', position) }}, 0)
    / (1 + exp(-({{ true_click_logit(members, courses, days, channels, constants, is_mobile) }})))
{%- endmacro %}

{# The true probability that an e-mail with a reason for its first course is opened: a reason that is true for the member
   today persuades, another one five times less. The same formula as relevance.world.log. #}
{% macro true_open_probability(members, constants, is_true_reason) -%}
    (1 / (1 + exp(-(
        ln({{ constants }}.open_rate / (1 - {{ constants }}.open_rate))
        + 0.25e0 * {{ members }}.relative_propensity
        + {{ constants }}.context_effect * case when {{ is_true_reason }} then 1 else 0.2e0 end
    ))))
{%- endmacro %}

{# What members do in simulated sessions: the rows of `shown` (session_id, member_id, date, channel, is_mobile, position,
   course_number, ...) with the true click probability, and with the click, drawn by one chance per session, slot and course. #}
{% macro true_clicks(shown) -%}
    select
        *,
        case
            when {{ hash_bucket(['session_id', 'position', 'course_number'], 'clicks', 1000000000) }} < 1e9 * probability then 1
            else 0
        end as click
    from (
        select
            shown.*,
            {{ true_click_probability('members', 'courses', 'days', 'channels', 'constants', 'shown.is_mobile', 'shown.position') }} as probability
        from {{ shown }} as shown
        inner join {{ ref('candidate_courses') }} as numbers using (course_number)
        inner join {{ ref('truth_courses') }} as courses on numbers.course_id = courses.course_id
        inner join {{ ref('truth_members') }} as members on shown.member_id = members.member_id
        inner join {{ ref('truth_days') }} as days on shown.date = days.date
        inner join {{ ref('truth_channels') }} as channels on shown.channel = channels.channel
        cross join {{ ref('truth_constants') }} as constants
    ) as answered
{%- endmacro %}
