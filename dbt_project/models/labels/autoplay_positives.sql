-- the impressions whose introductory video played long enough, by each strategy in use
with plays as (
    select autoplays.impression_id, autoplays.member_id, autoplays.course_id, cast(autoplays.played_at as date) as played_date,
        autoplays.autoplay_seconds, courses.intro_video_seconds
    from {{ ref('stg_autoplays') }} as autoplays
    inner join {{ ref('stg_courses') }} as courses using (course_id)
),

used_strategies as (
    select strategies.strategy, strategies.measure, strategies.threshold, strategies.scope
    from {{ ref('autoplay_strategies') }} as strategies
    semi join (
        select label_sets.autoplay_strategy
        from {{ ref('label_sets') }} as label_sets
        inner join {{ ref('label_windows') }} as label_windows using (label_set)
    ) as used on strategies.strategy = used.autoplay_strategy
)

select distinct strategies.strategy, plays.impression_id
from used_strategies as strategies
inner join plays
    on (strategies.measure = 'seconds' and plays.autoplay_seconds >= strategies.threshold)
    or (
        strategies.measure = 'share'
        and plays.intro_video_seconds > 0
        and plays.autoplay_seconds >= strategies.threshold * plays.intro_video_seconds
    )
union
select strategies.strategy, plays.impression_id
from used_strategies as strategies
cross join plays
inner join {{ ref('autoplay_thresholds') }} as thresholds
    on strategies.strategy = thresholds.strategy
    and plays.played_date = thresholds.played_date
    and thresholds.scope_key = case strategies.scope
        when 'member' then cast(plays.member_id as varchar)
        when 'course' then cast(plays.course_id as varchar)
        else ''
    end
where strategies.measure = 'percentile' and plays.autoplay_seconds >= thresholds.threshold_seconds
