-- From when on a label set takes its rows: its last window_days, or the whole log where that holds too few positives.
-- Where none of its channels shows impressions, its positives are engagements anywhere.
with impression_counts as (
    select label_sets.label_set, count(*) as impressions
    from {{ ref('label_sets') }} as label_sets
    inner join {{ ref('stg_impressions') }} as impressions
        on {{ is_among('impressions.channel', 'label_sets.channels') }}
        and cast(impressions.served_at as date) < {{ as_of_date() }}
    group by label_sets.label_set
),

positives as (
    select
        label_sets.label_set,
        count(*) as positives
    from {{ ref('label_sets') }} as label_sets
    inner join {{ ref('engagements') }} as engagements
        on engagements.engaged_date >= {{ as_of_date() }} - label_sets.window_days
        and engagements.engaged_date < {{ as_of_date() }}
    left join impression_counts using (label_set)
    where impression_counts.impressions is null
        or (
            {{ is_among('engagements.channel', 'label_sets.channels') }}
            and {{ is_among('engagements.action', 'label_sets.positive_actions') }}
        )
    group by label_sets.label_set
)

select
    label_sets.label_set,
    case when impression_counts.impressions is null then 'engagements' else 'impressions' end as positives_from,
    cast(
        case
            when coalesce(positives.positives, 0) >= label_sets.minimum_positives
                then {{ as_of_date() }} - label_sets.window_days
            else {{ beginning() }}
        end as date
    ) as first_date
from {{ ref('label_sets') }} as label_sets
left join impression_counts using (label_set)
left join positives using (label_set)
