-- What variants learn from: negatives thinned and weighted up again, days split into train, validation and test in
-- order of time, at the same dates for all label sets
{{ config(day='served_date') }}
with kept as (
    select
        labels.label_set,
        labels.member_id,
        labels.course_id,
        labels.served_at,
        labels.served_date,
        labels.channel,
        labels.platform,
        labels.is_random,
        labels.label,
        case when labels.label = 1 then 1.0e0 else 1.0e0 / label_sets.negative_rate end as weight,
        false as is_random_negative,
        labels.impression_id
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where {{ has_examples() }}
        and {{ is_made_anew('labels.served_date') }}
        and (
            labels.label = 1
            or {{ hash_bucket(['labels.label_set', 'labels.impression_id'], 'negative_rate', 1000000) }} < 1000000 * label_sets.negative_rate
        )
    union all
    select
        random_negatives.label_set,
        random_negatives.member_id,
        random_negatives.course_id,
        random_negatives.served_at,
        random_negatives.served_date,
        'other' as channel,
        cast(null as string) as platform,
        false as is_random,
        0 as label,
        1.0e0 as weight,
        true as is_random_negative,
        null as impression_id
    from {{ ref('random_negatives') }} as random_negatives
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where {{ has_examples() }} and {{ is_made_anew('random_negatives.served_date') }}
)

select
    {%- set number %}row_number() over (
        partition by kept.served_date
        order by kept.label_set, kept.served_at, kept.member_id, kept.course_id, kept.label, kept.impression_id nulls last
    ){% endset %}
    cast({{ numbered_in_day('kept.served_date', number) }} as bigint) as example_id,
    kept.label_set,
    kept.impression_id,
    kept.member_id,
    kept.course_id,
    kept.served_at,
    kept.served_date,
    kept.channel,
    kept.platform,
    kept.is_random,
    cast(kept.label as integer) as label,
    cast(kept.weight as double) as weight,
    day_splits.split,
    kept.is_random_negative
from kept
inner join {{ ref('day_splits') }} as day_splits using (served_date)
