-- Insight 5: a better model offline need not be better online: pairs of learned variants of which one has the higher ROC AUC
-- (by 0.002 or more, on the feed of the test days) and the lower true click rate on the feed after the log (by 2 % or more).
-- Random traffic is the remedy: `dbt show -s feedback_loop`, and below ROC AUC on courses drawn at random.
with true_rates as (
    {{ true_values() | indent(4) }}
),

measured as (
    select metrics.variant, metrics.roc_auc, random_traffic.roc_auc as random_auc, true_rates.true_value
    from {{ ref('offline_metrics') }} as metrics
    inner join true_rates on metrics.variant = true_rates.variant and metrics.channel = true_rates.channel
    left join {{ ref('offline_metrics_by_traffic') }} as random_traffic
        on metrics.variant = random_traffic.variant and metrics.split = random_traffic.split and random_traffic.traffic = 'random'
    where metrics.split = 'test' and metrics.channel = 'feed'
),

pairs as (
    select
        offline.variant as better_offline,
        online.variant as better_online,
        offline.roc_auc - online.roc_auc as auc_gain,
        offline.random_auc - online.random_auc as random_auc_gain,
        offline.true_value / online.true_value - 1 as true_lift,
        count(*) over () as pairs
    from measured as offline
    inner join measured as online on offline.roc_auc >= online.roc_auc + 0.002e0
    where offline.true_value <= online.true_value * 0.98e0
)

select
    better_offline,
    better_online,
    printf('%+.4f', auc_gain) as roc_auc,
    printf('%+.4f', random_auc_gain) as on_random_traffic,
    {{ as_percentage('true_lift') }} as true_click_rate,
    pairs || ' such pairs' as verdict
from pairs
order by true_lift, better_offline, better_online
