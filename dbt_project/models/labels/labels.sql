-- One row per impression and label set: was it followed by one of the set's positive actions?
-- Sets without impressions: one positive per member, course and day of an engagement.
{{ config(day='served_date') }}
with sets as (
    select label_sets.*, label_windows.positives_from, label_windows.first_date, label_windows.end_date
    from {{ ref('label_sets') }} as label_sets
    inner join {{ ref('label_windows') }} as label_windows using (label_set)
),

positive_impressions as (
    select sets.label_set, engagements.impression_id
    from sets
    inner join {{ ref('engagements') }} as engagements
        on {{ is_among('engagements.action', 'sets.positive_actions') }}
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where engagements.impression_id is not null
        and engagements.engaged_date < {{ as_of_date() }}
        and (
            engagements.action <> 'watch'
            or sets.watch_share is null
            or engagements.watch_seconds >= sets.watch_share * courses.duration_seconds
        )
    union
    select sets.label_set, positives.impression_id
    from sets
    inner join {{ ref('autoplay_positives') }} as positives on sets.autoplay_strategy = positives.strategy
),

engaged_days as (
    select
        sets.label_set,
        engagements.member_id,
        engagements.course_id,
        min(engagements.engaged_at) as served_at
    from sets
    inner join {{ ref('engagements') }} as engagements
        on engagements.engaged_date >= sets.first_date
        and engagements.engaged_date < sets.end_date
    where sets.positives_from = 'engagements'
    group by sets.label_set, engagements.member_id, engagements.course_id, engagements.engaged_date
)

select
    sets.label_set,
    impressions.impression_id,
    impressions.member_id,
    impressions.course_id,
    impressions.served_at,
    cast(impressions.served_at as date) as served_date,
    impressions.channel,
    impressions.platform,
    coalesce(impressions.is_random, false) as is_random,
    cast(case when positive_impressions.impression_id is not null then 1 else 0 end as integer) as label
from sets
inner join {{ ref('stg_impressions') }} as impressions
    on {{ is_among('impressions.channel', 'sets.channels') }}
    and {{ is_among('impressions.platform', 'sets.platforms') }}
    and cast(impressions.served_at as date) >= sets.first_date
    and cast(impressions.served_at as date) < sets.end_date
    and (
        sets.random_traffic = 'with'
        or (sets.random_traffic = 'only') = coalesce(impressions.is_random, false)
    )
left join positive_impressions
    on sets.label_set = positive_impressions.label_set
    and impressions.impression_id = positive_impressions.impression_id
where sets.positives_from = 'impressions'
union all
select
    label_set,
    null as impression_id,
    member_id,
    course_id,
    served_at,
    cast(served_at as date) as served_date,
    'other' as channel,
    cast(null as string) as platform,
    false as is_random,
    cast(1 as integer) as label
from engaged_days
