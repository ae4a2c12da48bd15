-- Insight 8: the long window and all channels against the last weeks of the feed: ROC AUC on the feed of the test days and click
-- rate on the feed. Models per member and per course gain by it, one model for everybody does not.
with online as (
    {{ experiment_report('insight 8') | indent(4) }}
)

select
    online.compared,
    variants.label_set as learned_from,
    printf('%+.4f', long.roc_auc - short.roc_auc) as roc_auc,
    online.lift,
    online.interval,
    online.p_value,
    online.true_lift,
    case when variants.learner = 'glmix' then 'better' else 'worse' end as paper,
    case
        when (variants.learner = 'glmix') = (results.lift > 0) and online.verdict in ('better', 'worse') then 'as in the paper: ' || online.verdict
        else online.verdict
    end as verdict
from online
inner join {{ ref('experiment_results') }} as results on online.experiment = results.experiment and results.metric = 'click_rate'
inner join {{ ref('variants') }} as variants on results.variant = variants.variant
inner join {{ ref('offline_metrics') }} as long on results.variant = long.variant
inner join {{ ref('offline_metrics') }} as short
    on results.baseline = short.variant and long.split = short.split and long.channel = short.channel
where long.split = 'test' and long.channel = 'feed'
order by online.compared
