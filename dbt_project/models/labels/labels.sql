-- One row per impression and label set: was it followed by one of the set's positive actions?
-- Sets without impressions: one positive per member, course and day of an engagement.
with positive_impressions as (
    select distinct label_sets.label_set, engagements.impression_id
    from {{ ref('label_sets') }} as label_sets
    inner join {{ ref('engagements') }} as engagements
        on {{ is_among('engagements.action', 'label_sets.positive_actions') }}
    where engagements.impression_id is not null and engagements.engaged_date < {{ as_of_date() }}
),

engaged_days as (
    select
        label_windows.label_set,
        engagements.member_id,
        engagements.course_id,
        min(engagements.engaged_at) as served_at
    from {{ ref('label_windows') }} as label_windows
    inner join {{ ref('engagements') }} as engagements
        on engagements.engaged_date >= label_windows.first_date
        and engagements.engaged_date < {{ as_of_date() }}
    where label_windows.positives_from = 'engagements'
    group by label_windows.label_set, engagements.member_id, engagements.course_id, engagements.engaged_date
)

select
    label_sets.label_set,
    impressions.impression_id,
    impressions.member_id,
    impressions.course_id,
    impressions.served_at,
    cast(impressions.served_at as date) as served_date,
    impressions.channel,
    impressions.platform,
    cast(case when positive_impressions.impression_id is not null then 1 else 0 end as integer) as label
from {{ ref('label_sets') }} as label_sets
inner join {{ ref('label_windows') }} as label_windows using (label_set)
inner join {{ ref('stg_impressions') }} as impressions
    on {{ is_among('impressions.channel', 'label_sets.channels') }}
    and cast(impressions.served_at as date) >= label_windows.first_date
    and cast(impressions.served_at as date) < {{ as_of_date() }}
left join positive_impressions
    on label_sets.label_set = positive_impressions.label_set
    and impressions.impression_id = positive_impressions.impression_id
where label_windows.positives_from = 'impressions'
union all
select
    label_set,
    null as impression_id,
    member_id,
    course_id,
    served_at,
    cast(served_at as date) as served_date,
    'other' as channel,
    cast(null as varchar) as platform,
    cast(1 as integer) as label
from engaged_days
