-- every variant on the test days
select
    variant,
    channel,
    cast(round(roc_auc, 4) as varchar) as roc_auc,
    round(roc_auc_low, 4) || ' - ' || round(roc_auc_high, 4) as interval,
    cast(round(log_loss, 4) as varchar) as log_loss,
    cast(round(ndcg_at_10, 4) as varchar) as ndcg_at_10
from {{ ref('offline_metrics') }}
where split = 'test'
order by channel, variant
