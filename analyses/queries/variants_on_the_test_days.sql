-- Every variant on the last quarter of the log, which it did not learn from, the best first
select
    variant,
    round(roc_auc, 4) as roc_auc,
    round(roc_auc_low, 4) as low,
    round(roc_auc_high, 4) as high,
    round(calibration, 2) as calibration,
    rows
from variants.offline_metrics
where split = 'test' and channel = 'all'
order by roc_auc desc nulls last, variant
