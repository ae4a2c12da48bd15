-- Table 4: the affinity variants online, each against the one before, simulated after the log; and as the log of the first days
-- has it, each against m001. Lifts in per cent with 95 % intervals; coverage: the share of feed impressions to members
-- whom the variant has scores for (first row), and what it adds (the others).
with measured as (
    {{ experiment_report('table 4') | indent(4) }}
),

coverages as (
    select
        results.experiment,
        results.variant,
        {{ as_number('results.coverage - coalesce(before.coverage, 0)') }} as coverage
    from {{ ref('experiment_results') }} as results
    left join {{ ref('experiment_results') }} as before
        on results.baseline = before.variant and results.metric = before.metric and before.experiment in (
            select experiment from {{ ref('experiments') }} where reported_in = 'table 4' and origin = 'simulation'
        )
    where results.metric = 'click_rate'
)

select
    case when measured.origin = 'log' then 'log: ' else '' end || measured.compared as compared,
    case
        when measured.origin = 'log' then ''
        else coverages.coverage || coalesce(' (paper ' || {{ as_number('paper.value') }} || ')', '')
    end as coverage,
    measured.lift,
    measured.p_value,
    measured.true_lift,
    measured.verdict
from measured
inner join coverages on measured.experiment = coverages.experiment and measured.variant = coverages.variant
left join {{ ref('paper_values') }} as paper on paper.source = 'table 4 coverage' and measured.experiment = paper.name
order by measured.origin desc, measured.compared
