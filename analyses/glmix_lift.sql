-- How much of what models per member and per course add is their intercepts (who clicks much, what is clicked much), and how
-- much their features (who clicks what): the feed of the test days
with gains as (
    select
        lift.variant,
        lift.parts,
        lift.roc_auc,
        lift.roc_auc_low,
        lift.roc_auc_high,
        lift.ndcg_at_10,
        lift.roc_auc - baseline.roc_auc as gain,
        whole.roc_auc - baseline.roc_auc as whole_gain
    from {{ ref('offline_metrics_by_parts') }} as lift
    inner join {{ ref('offline_metrics_by_parts') }} as baseline
        on lift.variant = baseline.variant and lift.split = baseline.split and baseline.parts = 'global'
    inner join {{ ref('offline_metrics_by_parts') }} as whole
        on lift.variant = whole.variant and lift.split = whole.split and whole.parts = 'all'
    where lift.split = 'test'
)

select
    variant,
    parts,
    cast(round(roc_auc, 4) as varchar) as roc_auc,
    round(roc_auc_low, 4) || ' - ' || round(roc_auc_high, 4) as interval,
    printf('%+.4f', gain) || case
        when parts in ('intercepts', 'features') and whole_gain > 0 then printf(' %3.0f %%', 100 * gain / whole_gain)
        else ''
    end as gain,
    cast(round(ndcg_at_10, 4) as varchar) as ndcg_at_10
from gains
order by variant, case parts when 'global' then 1 when 'intercepts' then 2 when 'features' then 3 else 4 end
