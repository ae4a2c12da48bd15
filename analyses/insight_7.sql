-- Insight 7: features made by hand and crosses add less and less: click rate on the feed of each variant over the one before, and
-- ROC AUC. The pattern that the cross of seniority and difficulty stands for is there (`dbt show -s seniority_difficulty`).
with steps as (
    {{ experiment_report('insight 7') | indent(4) }}
)

select
    steps.compared,
    printf('%+.4f', metrics.roc_auc - before.roc_auc) as roc_auc,
    steps.lift,
    steps.p_value,
    steps.true_lift,
    case when steps.verdict = 'not significant' then 'as in the paper' else 'not as in the paper' end as verdict
from steps
inner join {{ ref('offline_metrics') }} as metrics on steps.variant = metrics.variant
inner join {{ ref('offline_metrics') }} as before
    on steps.baseline = before.variant and metrics.split = before.split and metrics.channel = before.channel
where metrics.split = 'test' and metrics.channel = 'feed'
order by steps.compared
