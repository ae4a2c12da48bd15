-- The days of each label set in use: its last window_days before a gap, or all before the gap where those hold too few
-- positives. Where none of its channels shows impressions, its positives are engagements anywhere.
-- depends_on: {{ ref('treatments') }}
with used_sets as (
    select label_sets.*, {{ is_used_label_set() }} as is_learned_from, {{ as_of_date() }} - label_sets.gap_days as end_date
    from {{ ref('label_sets') }} as label_sets
    where {{ is_used_label_set() }} or label_sets.is_evaluation
),

shown_days as (
    select channel, platform, min(cast(served_at as date)) as first_date
    from {{ ref('stg_impressions') }}
    group by channel, platform
),

sets_with_impressions as (
    select distinct used_sets.label_set
    from used_sets
    inner join shown_days
        on {{ is_among('shown_days.channel', 'used_sets.channels') }}
        and {{ is_among('shown_days.platform', 'used_sets.platforms') }}
        and shown_days.first_date < used_sets.end_date
),

positives as (
    select
        used_sets.label_set,
        count(*) as positives
    from used_sets
    inner join {{ ref('engagements') }} as engagements
        on engagements.engaged_date >= used_sets.end_date - used_sets.window_days
        and engagements.engaged_date < used_sets.end_date
    left join sets_with_impressions as shown on used_sets.label_set = shown.label_set
    where shown.label_set is null
        or (
            {{ is_among('engagements.channel', 'used_sets.channels') }}
            and {{ is_among('engagements.action', 'used_sets.positive_actions') }}
        )
    group by used_sets.label_set
)

select
    used_sets.label_set,
    case when shown.label_set is null then 'engagements' else 'impressions' end as positives_from,
    cast(
        case
            when coalesce(positives.positives, 0) >= used_sets.minimum_positives
                then used_sets.end_date - used_sets.window_days
            else {{ beginning() }}
        end as date
    ) as first_date,
    cast(used_sets.end_date as date) as end_date
from used_sets
left join sets_with_impressions as shown on used_sets.label_set = shown.label_set
left join positives on used_sets.label_set = positives.label_set
-- what is only measured on needs impressions
where shown.label_set is not null or used_sets.is_learned_from
