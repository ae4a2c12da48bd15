-- Table 7: m105 and what models per course, per member and both add to it: ROC AUC on the feed of the test days, and the click
-- rate online against m105. The paper did not serve the two partial models; here the simulated world answers for them too.
with offline as (
    select
        metrics.variant,
        metrics.roc_auc,
        metrics.roc_auc_low,
        metrics.roc_auc_high,
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
    cast(round(offline.roc_auc, 4) as varchar) as roc_auc,
    round(offline.roc_auc_low, 4) || ' - ' || round(offline.roc_auc_high, 4) as auc_interval,
    printf('%+.4f', offline.gain) as against_m105,
    cast(offline.paper as varchar) as paper,
    printf('%+.3f', offline.paper_gain) as paper_against_m105,
    online.lift as click_rate,
    online.interval,
    online.p_value,
    online.true_lift,
    online.paper_lift,
    online.verdict
from offline
left join online on online.compared = offline.variant || ' over m105'
order by offline.paper
