-- Insight 6: one model learned on each channel and on all of them: ROC AUC on the test days of each channel, and the true click
-- rate in it after the log against the model of all channels. The paper: a channel's own data are best, where there are enough.
with true_rates as (
    {{ true_values() | indent(4) }}
),

cells as (
    select
        variants.variant,
        variants.label_set,
        metrics.channel,
        metrics.roc_auc,
        true_rates.true_value / pooled.true_value - 1 as true_lift,
        results.lift,
        results.lift_low,
        results.lift_high
    from {{ ref('offline_metrics') }} as metrics
    inner join {{ ref('variants') }} as variants using (variant)
    left join true_rates on metrics.variant = true_rates.variant and metrics.channel = true_rates.channel
    left join true_rates as pooled on pooled.variant = 'm105_pooled' and metrics.channel = pooled.channel
    left join {{ ref('experiment_results') }} as results
        on results.experiment = 'trained_for_' || metrics.channel and results.metric = 'click_rate' and metrics.variant = results.variant
    where metrics.split = 'test' and metrics.variant in ('m105_history', 'm105_home', 'm105_email', 'm105_pooled')
        and metrics.channel in ('feed', 'home', 'email')
)

select
    channel,
    variant,
    cast(round(roc_auc, 4) as varchar) as roc_auc,
    {{ as_estimate('lift', 'lift_low', 'lift_high') }} as over_pooled,
    {{ as_percentage('true_lift') }} as true_lift,
    case
        when label_set <> channel || '_clicks' then ''
        when true_lift is null then 'truth is not known'
        when true_lift > 0 then 'as in the paper'
        when true_lift > -0.01e0 then 'own data: no worse'
        else 'own data: too few'
    end as verdict
from cells
order by channel, true_lift desc, variant
