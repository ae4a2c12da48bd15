-- Table 7: m105 and what models per course, per member and both add to it, ROC AUC on the feed of the test days; the paper's
-- gains beside ours
with measured as (
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
)

select
    variant,
    cast(round(roc_auc, 4) as varchar) as roc_auc,
    round(roc_auc_low, 4) || ' - ' || round(roc_auc_high, 4) as interval,
    printf('%+.4f', gain) as against_m105,
    cast(paper as varchar) as paper,
    printf('%+.3f', paper_gain) as paper_against_m105
from measured
order by paper
