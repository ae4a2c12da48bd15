-- What variants learn from: negatives thinned and weighted up again, days split into train, validation and test in
-- order of time (60 %, 15 % and 25 % of the rows)
with kept as (
    select
        labels.label_set,
        labels.member_id,
        labels.course_id,
        labels.served_at,
        labels.served_date,
        labels.channel,
        labels.platform,
        labels.label,
        case when labels.label = 1 then 1.0e0 else 1.0e0 / label_sets.negative_rate end as weight,
        false as is_random_negative,
        labels.impression_id
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where labels.label = 1
        or {{ hash_bucket(['labels.label_set', 'labels.impression_id'], 'negative_rate', 1000000) }} < 1000000 * label_sets.negative_rate
    union all
    select
        label_set,
        member_id,
        course_id,
        served_at,
        served_date,
        'other' as channel,
        cast(null as varchar) as platform,
        0 as label,
        1.0e0 as weight,
        true as is_random_negative,
        null as impression_id
    from {{ ref('random_negatives') }}
),

days as (
    select
        label_set,
        served_date,
        (sum(count(*)) over (partition by label_set order by served_date) - count(*))
        / cast(sum(count(*)) over (partition by label_set) as double) as share_before
    from kept
    group by label_set, served_date
)

select
    cast(row_number() over (
        order by kept.label_set, kept.served_at, kept.member_id, kept.course_id, kept.label, kept.impression_id
    ) as bigint) as example_id,
    kept.label_set,
    kept.impression_id,
    kept.member_id,
    kept.course_id,
    kept.served_at,
    kept.served_date,
    kept.channel,
    kept.platform,
    cast(kept.label as integer) as label,
    cast(kept.weight as double) as weight,
    case
        when days.share_before < 0.60 then 'train'
        when days.share_before < 0.75 then 'validation'
        else 'test'
    end as split,
    kept.is_random_negative
from kept
inner join days using (label_set, served_date)
