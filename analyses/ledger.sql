-- The ledger in short; all of it is in experiments.ledger
select
    variant,
    coalesce(printf('%.4f', roc_auc), '') || case when off_policy_value is not null then printf(' / %.4f', off_policy_value) else '' end as auc_and_off_policy,
    coalesce({{ as_estimate('lift', 'lift_low', 'lift_high') }}, '') as lift,
    coalesce({{ as_number('true_lift') }}, '') || coalesce(' over ' || replace(baseline, 'm105_history', 'history'), '') as true_lift,
    coalesce(printf('%.1f s, ', training_seconds), '') || printf('%,d', coefficients) as seconds_coefficients,
    case when verdict = 'no significant change' then 'not significant' else verdict end as verdict
from {{ ref('ledger') }}
order by variant
