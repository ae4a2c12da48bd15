-- Table 7 by the member's engagements before the day, all channels: ROC AUC of m105, and what models per course, per member
-- and both add. Models per course help most where there is no history to learn a model of the member from.
with gains as (
    select metrics.history, metrics.variant, metrics.rows, metrics.roc_auc, metrics.roc_auc - baseline.roc_auc as gain
    from {{ ref('offline_metrics_by_history') }} as metrics
    inner join {{ ref('offline_metrics_by_history') }} as baseline
        on baseline.variant = 'm105' and metrics.split = baseline.split and metrics.history = baseline.history
    where metrics.split = 'test'
)

select
    history as engagements,
    max(rows) as rows,
    cast(round(max(case when variant = 'm105' then roc_auc end), 4) as varchar) as m105,
    {%- for name in ('glmix_per_course', 'glmix_per_member', 'glmix') %}
    max(case when variant = '{{ name }}' then printf('%+.4f', gain) end) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from gains
group by history
order by cast(regexp_extract(history, '[0-9]+') as integer)
