-- every variant on the test days
select variant, channel, round(roc_auc, 4) as roc_auc, round(roc_auc_low, 4) as low, round(roc_auc_high, 4) as high,
    round(log_loss, 4) as log_loss, round(ndcg_at_10, 4) as ndcg_at_10, rows
from {{ ref('offline_metrics') }}
where split = 'test'
order by channel, variant
