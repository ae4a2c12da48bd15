-- Insight 8: the long window and all channels against the last weeks of the feed, on the feed of the test days. Models per
-- member and per course gain by it, one model for everybody does not.
with pairs as (
    select 'm105' as short_variant, 'm105_long' as long_variant
    union all
    select 'glmix_short' as short_variant, 'glmix' as long_variant
)

select
    metrics.variant,
    variants.label_set,
    cast(round(metrics.roc_auc, 4) as varchar) as roc_auc,
    round(metrics.roc_auc_low, 4) || ' - ' || round(metrics.roc_auc_high, 4) as interval,
    case when metrics.variant = pairs.long_variant then printf('%+.4f', metrics.roc_auc - short.roc_auc) end as long_less_short
from pairs
inner join {{ ref('offline_metrics') }} as short on pairs.short_variant = short.variant
inner join {{ ref('offline_metrics') }} as metrics
    on metrics.variant in (pairs.short_variant, pairs.long_variant)
    and short.split = metrics.split
    and short.channel = metrics.channel
inner join {{ ref('variants') }} as variants on metrics.variant = variants.variant
where metrics.split = 'test' and metrics.channel = 'feed'
order by pairs.long_variant, metrics.variant = pairs.long_variant
