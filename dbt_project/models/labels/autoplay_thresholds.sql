-- How long an introductory video must have played by itself to count as interest (section 6.1): for each strategy in use
-- that is a percentile, the threshold of each day that is labelled, by what its scope names, from the plays of the days
-- before. Where these are too few, that of all plays.
with strategies as (
    {{ used_autoplay_strategies() | trim }}
),

percentiles as (
    select *
    from strategies
    where measure = 'percentile'
),

-- plays of one length on one day count together
daily_plays as (
    {%- for scope, key in (('global', "''"), ('course', 'cast(course_id as string)'), ('member', 'cast(member_id as string)')) %}
    select '{{ scope }}' as scope, {{ key }} as scope_key, cast(played_at as date) as played_date, autoplay_seconds, count(*) as plays
    from {{ ref('stg_autoplays') }}
    where '{{ scope }}' in (select scope from percentiles) or ('{{ scope }}' = 'global' and exists (select 1 from percentiles))
    group by 2, 3, 4
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

asked_days as (
    select distinct scope, scope_key, played_date
    from daily_plays
),

asked_windows as (
    select
        windows.*,
        row_number() over (order by scope, scope_key, played_date, threshold, window_days) as window_number
    from (
        select distinct
            asked_days.scope,
            asked_days.scope_key,
            asked_days.played_date,
            percentiles.threshold,
            percentiles.window_days
        from percentiles
        inner join asked_days
            on asked_days.scope in (percentiles.scope, 'global')
            and asked_days.played_date >= percentiles.first_date
    ) as windows
),

window_plays as (
    select
        asked_windows.window_number,
        asked_windows.threshold,
        daily_plays.autoplay_seconds,
        sum(daily_plays.plays) over (partition by asked_windows.window_number order by daily_plays.autoplay_seconds) as plays_up_to,
        sum(daily_plays.plays) over (partition by asked_windows.window_number) as plays
    from asked_windows
    inner join daily_plays
        on asked_windows.scope = daily_plays.scope
        and asked_windows.scope_key = daily_plays.scope_key
        and daily_plays.played_date < asked_windows.played_date
        and daily_plays.played_date >= asked_windows.played_date - asked_windows.window_days
),

-- the smallest play that the share of plays does not exceed
thresholds as (
    select
        asked_windows.scope,
        asked_windows.scope_key,
        asked_windows.played_date,
        asked_windows.threshold,
        asked_windows.window_days,
        lengths.plays,
        lengths.threshold_seconds
    from (
        select window_number, max(plays) as plays, min(autoplay_seconds) as threshold_seconds
        from window_plays
        where plays_up_to >= greatest(ceil(round(threshold * plays, 9)), 1)
        group by window_number
    ) as lengths
    inner join asked_windows using (window_number)
)

select
    asked_days.played_date,
    percentiles.strategy,
    asked_days.scope_key,
    cast(case when own.plays >= percentiles.minimum_plays then own.threshold_seconds else everybody.threshold_seconds end as double) as threshold_seconds,
    case when own.plays >= percentiles.minimum_plays then percentiles.scope else 'global' end as taken_from
from percentiles
inner join asked_days on percentiles.scope = asked_days.scope and asked_days.played_date >= percentiles.first_date
left join thresholds as own
    on percentiles.scope = own.scope
    and percentiles.threshold = own.threshold
    and percentiles.window_days = own.window_days
    and asked_days.scope_key = own.scope_key
    and asked_days.played_date = own.played_date
left join thresholds as everybody
    on everybody.scope = 'global'
    and percentiles.threshold = everybody.threshold
    and percentiles.window_days = everybody.window_days
    and asked_days.played_date = everybody.played_date
where own.plays >= percentiles.minimum_plays or everybody.threshold_seconds is not null
