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
    steps.p_value,
    steps.true_lift,
    case
        when lifts.first_lift is null then 'truth is not known'
        when lifts.first_lift > lifts.second_lift and lifts.second_lift > lifts.last_lift then 'as in the paper'
        else 'not as in the paper'
    end as returns_diminish
from steps
cross join lifts
where steps.origin = 'simulation'
order by steps.compared
