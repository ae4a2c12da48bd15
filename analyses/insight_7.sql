-- Insight 7: features made by hand and crosses add less and less: click rate on the feed of each variant over the one before, and
-- ROC AUC. The pattern that the cross of seniority and difficulty stands for is there (`dbt show -s seniority_difficulty`).
with steps as (
    {{ experiment_report('insight 7') | indent(4) }}
)

select
    steps.compared,
    printf('%+.4f', metrics.roc_auc - before.roc_auc) as roc_auc,
    steps.lift,
    steps.interval,
    steps.p_value,
    steps.true_lift,
    'no change' as paper,
    case when steps.verdict = 'no significant change' then 'as in the paper: no significant change' else steps.verdict end as verdict
from steps
inner join {{ ref('experiment_results') }} as results on steps.experiment = results.experiment and results.metric = 'click_rate'
inner join {{ ref('offline_metrics') }} as metrics on results.variant = metrics.variant
inner join {{ ref('offline_metrics') }} as before
    on results.baseline = before.variant and metrics.split = before.split and metrics.channel = before.channel
where metrics.split = 'test' and metrics.channel = 'feed'
order by steps.compared
