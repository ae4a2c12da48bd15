-- Insight 6: one model learned on each channel and on all of them, ROC AUC on the test days of each; the best of a column is
-- marked
with cells as (
    select
        variants.variant,
        variants.label_set,
        metrics.channel,
        metrics.roc_auc,
        metrics.roc_auc = max(metrics.roc_auc) over (partition by metrics.channel) as is_best
    from {{ ref('offline_metrics') }} as metrics
    inner join {{ ref('variants') }} as variants using (variant)
    where metrics.split = 'test' and metrics.variant in ('m105_history', 'm105_home', 'm105_email', 'm105_pooled')
)

select
    variant,
    label_set,
    {%- for channel in ('feed', 'home', 'email') %}
    max(case when channel = '{{ channel }}' then round(roc_auc, 4) || case when is_best then ' *' else '' end end) as on_{{ channel }}{{ ',' if not loop.last }}
    {%- endfor %}
from cells
group by variant, label_set
order by variant
