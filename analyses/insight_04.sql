-- Insight 4, the half that needs training data only: one model on fresh and on older data, on the test days
select
    metrics.channel,
    metrics.variant,
    variants.label_set,
    cast(round(metrics.roc_auc, 4) as varchar) as roc_auc,
    cast(round(metrics.log_loss, 4) as varchar) as log_loss,
    cast(round(metrics.calibration, 3) as varchar) as calibration
from {{ ref('offline_metrics') }} as metrics
inner join {{ ref('variants') }} as variants using (variant)
where metrics.split = 'test' and metrics.channel <> 'all' and metrics.variant in ('m105_history', 'm105_stale')
order by metrics.channel, metrics.variant
