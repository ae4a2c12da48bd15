-- Table 7: m105 and what models per course, per member and both add to it: ROC AUC on the feed of the test days, and the click
-- rate online against m105 in per cent with 95 % intervals. The paper did not serve the two partial models; here the simulated
-- world answers for them too. Intervals of ROC AUC are in offline_metrics.
with offline as (
    select
        metrics.variant,
        metrics.roc_auc,
        metrics.roc_auc - baseline.roc_auc as gain,
        paper.value as paper,
        paper.value - paper_baseline.value as paper_gain
    from {{ ref('offline_metrics') }} as metrics
    inner join {{ ref('offline_metrics') }} as baseline
        on baseline.variant = 'm105' and metrics.split = baseline.split and metrics.channel = baseline.channel
    inner join {{ ref('paper_values') }} as paper on paper.source = 'table 7' and metrics.variant = paper.name
    inner join {{ ref('paper_values') }} as paper_baseline
        on paper_baseline.source = 'table 7' and paper_baseline.name = 'm105'
    where metrics.split = 'test' and metrics.channel = 'feed'
),

online as (
    {{ experiment_report('table 7', paper_source='table 7 click rate') | indent(4) }}
)

select
    offline.variant,
    printf('%.4f (paper %.3f)', offline.roc_auc, offline.paper) as roc_auc,
    printf('%+.3f (paper %.3f)', offline.gain, offline.paper_gain) as against_m105,
    online.lift as click_rate,
    online.true_lift,
    online.verdict
from offline
left join online on offline.variant = online.variant
order by offline.paper
