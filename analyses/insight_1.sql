-- Insight 1: affinity variants beat the one that is not personal, but every refinement adds less
with steps as (
    {{ experiment_report('table 4') | indent(4) }}
),

lifts as (
    select
        max(case when experiment = 'm002_over_m001' then true_lift end) as first_lift,
        max(case when experiment = 'm003_over_m002' then true_lift end) as second_lift,
        max(case when experiment = 'm005_over_m004' then true_lift end) as last_lift
    from {{ ref('experiment_results') }}
    where metric = 'click_rate'
)

select
    steps.compared,
    steps.lift,
    steps.interval,
    steps.p_value,
    steps.true_lift,
    steps.paper_lift,
    case
        when lifts.first_lift is null then 'the truth is not known of your own tables'
        when lifts.first_lift > lifts.second_lift and lifts.second_lift > lifts.last_lift then 'as in the paper: returns diminish'
        else 'not as in the paper: returns do not diminish step by step'
    end as verdict
from steps
cross join lifts
where steps.experiment not like '%log'
order by steps.compared
