-- Insight 5, the half that needs training data only: with and without random negatives and random traffic. The log rewards
-- what the policy of its day showed; courses drawn at random are the fair test.
select
    metrics.variant,
    metrics.traffic as measured_on,
    cast(round(metrics.roc_auc, 4) as varchar) as roc_auc,
    round(metrics.roc_auc_low, 4) || ' - ' || round(metrics.roc_auc_high, 4) as interval,
    cast(round(metrics.log_loss, 4) as varchar) as log_loss,
    metrics.rows
from {{ ref('offline_metrics_by_traffic') }} as metrics
where metrics.split = 'test' and metrics.variant in ('m105_history', 'm105_policy', 'm105_random_negatives')
order by metrics.traffic, metrics.variant
