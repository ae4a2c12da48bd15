-- Share of positive labels in the last seven days against the days before, of the label sets that variants are measured on,
-- by channel. No value where fewer positives are expected than tell anything.
with counts as (
    select
        labels.label_set,
        labels.channel,
        sum(case when labels.served_date >= {{ as_of_date() }} - 7 then labels.label else 0 end) as positives_now,
        sum(case when labels.served_date >= {{ as_of_date() }} - 7 then 1 else 0 end) as labels_now,
        sum(case when labels.served_date < {{ as_of_date() }} - 7 then labels.label else 0 end) as positives_before,
        sum(case when labels.served_date < {{ as_of_date() }} - 7 then 1 else 0 end) as labels_before
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where label_sets.is_evaluation and labels.impression_id is not null
    group by labels.label_set, labels.channel
)

select
    'label_rate' as check_name,
    label_set || ' ' || channel as subject,
    cast(
        case
            when labels_before > 0 and labels_now * cast(positives_before as double) / labels_before >= {{ rows_to_tell() }}
                then round(cast(positives_now as double) * labels_before / labels_now / positives_before, 9)
        end as double
    ) as value
from counts
