-- the impressions whose introductory video played long enough, by each strategy in use, on the days that it labels
with strategies as (
    {{ used_autoplay_strategies() | trim }}
),

plays as (
    select autoplays.impression_id, autoplays.member_id, autoplays.course_id, cast(autoplays.played_at as date) as played_date,
        autoplays.autoplay_seconds, courses.intro_video_seconds
    from {{ ref('stg_autoplays') }} as autoplays
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where cast(autoplays.played_at as date) >= (select min(first_date) from strategies)
)

{% for measure, length in (('seconds', 'strategies.threshold'), ('share', 'strategies.threshold * plays.intro_video_seconds')) -%}
select strategies.strategy, plays.impression_id
from strategies
inner join plays on plays.played_date >= strategies.first_date and plays.autoplay_seconds >= {{ length }}
where strategies.measure = '{{ measure }}'{{ ' and plays.intro_video_seconds > 0' if measure == 'share' }}
union all
{% endfor -%}
select strategies.strategy, plays.impression_id
from strategies
inner join plays on plays.played_date >= strategies.first_date
inner join {{ ref('autoplay_thresholds') }} as thresholds
    on strategies.strategy = thresholds.strategy
    and plays.played_date = thresholds.played_date
    and thresholds.scope_key = case strategies.scope
        when 'member' then cast(plays.member_id as string)
        when 'course' then cast(plays.course_id as string)
        else ''
    end
where strategies.measure = 'percentile' and plays.autoplay_seconds >= thresholds.threshold_seconds
