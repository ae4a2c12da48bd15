-- Insight 9: introductory videos that played long as positives (section 6.1), by rule: engaged learners (members with a click)
-- against clicks alone, and ROC AUC on clicks. The paper: the 95th percentile of the member's own plays is best, +1.29 %, with a
-- lower ROC AUC.
with online as (
    {{ experiment_report('insight 9', metric='engaged_learners') | indent(4) }}
),

ranked as (
    select
        results.variant,
        results.true_lift,
        rank() over (order by coalesce(results.true_lift, results.lift) desc) as place
    from {{ ref('experiment_results') }} as results
    where results.experiment = 'autoplay' and results.metric = 'engaged_learners'
)

select
    rules.autoplay_strategy,
    printf('%+.4f', metrics.roc_auc - baseline.roc_auc) as roc_auc,
    online.lift as engaged_learners,
    online.p_value,
    online.true_lift,
    case
        when rules.autoplay_strategy <> 'p95_member' then ''
        when ranked.place = 1 and ranked.true_lift > 0 then 'as in the paper'
        else 'not: place ' || ranked.place || ' of ' || (select count(*) from ranked)
    end as verdict
from online
inner join ranked on online.variant = ranked.variant
inner join (
    select registry.variant, label_sets.autoplay_strategy
    from {{ ref('variants') }} as registry
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
) as rules on online.variant = rules.variant
inner join {{ ref('offline_metrics') }} as metrics on online.variant = metrics.variant
inner join {{ ref('offline_metrics') }} as baseline
    on baseline.variant = 'm105_history' and metrics.split = baseline.split and metrics.channel = baseline.channel
where metrics.split = 'test' and metrics.channel = 'feed'
order by ranked.place
