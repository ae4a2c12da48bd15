-- What each experiment found, the largest lift first: lift and its interval in per cent, the p-value adjusted for all comparisons
select
    experiment,
    variant,
    baseline,
    round(100 * lift, 1) as lift,
    round(100 * lift_low, 1) as low,
    round(100 * lift_high, 1) as high,
    round(adjusted_p_value, 4) as adjusted_p_value,
    verdict
from experiments.experiment_results
where metric = 'click_rate'
order by lift desc nulls last, experiment, variant
