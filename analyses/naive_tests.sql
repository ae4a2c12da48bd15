-- What goes wrong when impressions are taken for independent: comparisons in which the naive z-test finds a difference at the 5 %
-- level that the test by members does not
select
    experiment,
    variant,
    {{ as_estimate('lift', 'lift_low', 'lift_high') }} as lift,
    {{ as_p_value('naive_p_value') }} as by_impression,
    {{ as_p_value('p_value') }} as by_member,
    coalesce({{ as_number('true_lift') }}, '') as true_lift
from {{ ref('experiment_results') }}
where metric = 'click_rate' and naive_p_value < 0.05e0 and p_value >= 0.05e0
order by naive_p_value, experiment, variant
