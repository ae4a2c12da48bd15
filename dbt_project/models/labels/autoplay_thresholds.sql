-- How long an introductory video must have played by itself to count as interest (section 6.1): for each strategy in use
-- that is a percentile, the threshold of the day, by what its scope names, from the plays of the days before. Where these
-- are too few, that of all plays.
with strategies as (
    select strategies.*
    from {{ ref('autoplay_strategies') }} as strategies
    semi join (
        select label_sets.autoplay_strategy
        from {{ ref('label_sets') }} as label_sets
        inner join {{ ref('label_windows') }} as label_windows using (label_set)
    ) as used on strategies.strategy = used.autoplay_strategy
    where strategies.measure = 'percentile'
),

plays as (
    select member_id, course_id, cast(played_at as date) as played_date, autoplay_seconds
    from {{ ref('stg_autoplays') }}
),

scoped_plays as (
    {%- for scope, key in (('global', "''"), ('course', 'cast(course_id as varchar)'), ('member', 'cast(member_id as varchar)')) %}
    select '{{ scope }}' as scope, {{ key }} as scope_key, played_date, autoplay_seconds
    from plays
    where '{{ scope }}' in (select scope from strategies) or ('{{ scope }}' = 'global' and exists (select 1 from strategies))
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

asked_days as (
    select distinct scope, scope_key, played_date
    from scoped_plays
),

window_plays as (
    select
        strategies.strategy,
        strategies.threshold,
        asked_days.scope,
        asked_days.scope_key,
        asked_days.played_date,
        scoped_plays.autoplay_seconds,
        row_number() over (
            partition by strategies.strategy, asked_days.scope, asked_days.scope_key, asked_days.played_date
            order by scoped_plays.autoplay_seconds
        ) as place,
        count(*) over (
            partition by strategies.strategy, asked_days.scope, asked_days.scope_key, asked_days.played_date
        ) as plays
    from strategies
    inner join asked_days on asked_days.scope in (strategies.scope, 'global')
    inner join scoped_plays
        on asked_days.scope = scoped_plays.scope
        and asked_days.scope_key = scoped_plays.scope_key
        and scoped_plays.played_date < asked_days.played_date
        and scoped_plays.played_date >= asked_days.played_date - strategies.window_days
),

-- the smallest play that the share of plays does not exceed
thresholds as (
    select strategy, scope, scope_key, played_date, plays, autoplay_seconds as threshold_seconds
    from window_plays
    where place = greatest(ceil(round(threshold * plays, 9)), 1)
)

select
    asked_days.played_date,
    strategies.strategy,
    asked_days.scope_key,
    cast(case when own.plays >= strategies.minimum_plays then own.threshold_seconds else everybody.threshold_seconds end as double) as threshold_seconds,
    case when own.plays >= strategies.minimum_plays then strategies.scope else 'global' end as taken_from
from strategies
inner join asked_days on strategies.scope = asked_days.scope
left join thresholds as own
    on strategies.strategy = own.strategy
    and strategies.scope = own.scope
    and asked_days.scope_key = own.scope_key
    and asked_days.played_date = own.played_date
left join thresholds as everybody
    on strategies.strategy = everybody.strategy and everybody.scope = 'global' and asked_days.played_date = everybody.played_date
where own.plays >= strategies.minimum_plays or everybody.threshold_seconds is not null
