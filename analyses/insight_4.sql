-- Insight 4: the training data matter most. One model, m105_history, learned from other data: ROC AUC on the feed of the test
-- days and true click rate on the feed after the log, against the last weeks of the feed; the experiment is fresh data
-- against stale.
with true_rates as (
    {{ true_values() | indent(4) }}
),

trained as (
    select
        variants.variant,
        metrics.roc_auc,
        true_rates.true_value
    from {{ ref('variants') }} as variants
    inner join {{ ref('offline_metrics') }} as metrics
        on variants.variant = metrics.variant and metrics.split = 'test' and metrics.channel = 'feed'
    left join true_rates on variants.variant = true_rates.variant and true_rates.channel = 'feed'
    where variants.variant in (
        'm105_history', 'm105_stale', 'm105_pooled', 'm105_home', 'm105_email', 'm105_mobile', 'm105_policy', 'm105_random_negatives'
    )
),

experiment as (
    {{ experiment_report('insight 4') | indent(4) }}
)

select
    trained.variant,
    cast(round(trained.roc_auc, 4) as varchar) as roc_auc,
    {{ as_percentage('trained.true_value / fresh.true_value - 1') }} as true_click_rate,
    case when trained.variant = 'm105_history' then experiment.lift end as fresh_over_stale,
    case when trained.variant = 'm105_history' then 'up to ' || experiment.paper_lift end as paper,
    case when trained.variant = 'm105_history' then experiment.verdict end as verdict
from trained
inner join trained as fresh on fresh.variant = 'm105_history'
left join experiment on true
order by trained.true_value desc, trained.variant
