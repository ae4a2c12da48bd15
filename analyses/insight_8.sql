-- Insight 8: the long window and all channels against the last weeks of the feed: ROC AUC on the feed of the test days and click
-- rate on the feed. Models per member and per course gain by it, one model for everybody does not.
with online as (
    {{ experiment_report('insight 8') | indent(4) }}
)

select
    online.compared,
    printf('%+.4f', long.roc_auc - short.roc_auc) as roc_auc,
    online.lift,
    online.p_value,
    online.true_lift,
    case
        when online.verdict = case when variants.learner = 'glmix' then 'better' else 'worse' end then 'as in the paper'
        else 'not as in the paper'
    end as verdict
from online
inner join {{ ref('variants') }} as variants on online.variant = variants.variant
inner join {{ ref('offline_metrics') }} as long on online.variant = long.variant
inner join {{ ref('offline_metrics') }} as short
    on online.baseline = short.variant and long.split = short.split and long.channel = short.channel
where long.split = 'test' and long.channel = 'feed'
order by online.compared
