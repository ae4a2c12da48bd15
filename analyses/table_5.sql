-- Table 5: the chain of supervised models, each against the one before, ROC AUC on the feed of the test days. What each adds
-- is in variants.variant_features.
with chain as (
    select
        metrics.variant,
        metrics.roc_auc,
        metrics.roc_auc_low,
        metrics.roc_auc_high,
        metrics.log_loss,
        parent.roc_auc as parent_roc_auc
    from {{ ref('offline_metrics') }} as metrics
    inner join {{ ref('variants') }} as variants using (variant)
    left join {{ ref('offline_metrics') }} as parent
        on variants.parent = parent.variant and metrics.split = parent.split and metrics.channel = parent.channel
    where metrics.split = 'test' and metrics.channel = 'feed' and metrics.variant in ('m101', 'm102', 'm103', 'm104', 'm105')
)

select
    variant,
    cast(round(roc_auc, 4) as varchar) as roc_auc,
    round(roc_auc_low, 4) || ' - ' || round(roc_auc_high, 4) as interval,
    printf('%+.4f', roc_auc - parent_roc_auc) as against_parent,
    cast(round(log_loss, 4) as varchar) as log_loss
from chain
order by variant
