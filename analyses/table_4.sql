-- Table 4: the affinity variants online, each against the one before, simulated after the log and as the log has it; coverage is
-- the share of feed impressions whose course the variant scored for the member (first row) and what it adds (the others)
with measured as (
    {{ experiment_report('table 4') | indent(4) }}
),

coverages as (
    select
        results.experiment,
        results.coverage - coalesce(before.coverage, 0) as coverage,
        paper.value as paper_coverage,
        paper_p_value.value as paper_p_value
    from {{ ref('experiment_results') }} as results
    left join {{ ref('experiment_results') }} as before
        on results.baseline = before.variant and results.metric = before.metric and before.experiment in (
            select experiment from {{ ref('experiments') }} where reported_in = 'table 4' and origin = 'simulation'
        )
    left join {{ ref('paper_values') }} as paper on paper.source = 'table 4 coverage' and results.experiment = paper.name
    left join {{ ref('paper_values') }} as paper_p_value
        on paper_p_value.source = 'table 4 p-value' and results.experiment = paper_p_value.name
    where results.metric = 'click_rate'
        and results.experiment in (
            select experiment from {{ ref('experiments') }} where reported_in = 'table 4' and origin = 'simulation'
        )
)

select
    measured.compared,
    case when coverages.experiment is null then 'log' else 'simulated' end as origin,
    {{ as_percentage('coverages.coverage') }} as coverage,
    {{ as_percentage('coverages.paper_coverage') }} as paper_coverage,
    measured.lift,
    measured.interval,
    measured.p_value,
    measured.detectable,
    measured.true_lift,
    measured.paper_lift,
    printf('%g', coverages.paper_p_value) as paper_p_value,
    measured.verdict
from measured
left join coverages on measured.experiment = coverages.experiment
order by origin desc, measured.compared
