-- Table 6: logistic regression online against the best affinity variant, simulated after the log, and as the log has it. Lifts of
-- the click rate on the feed in per cent with 95 % intervals; MDE is the minimum detectable effect.
with measured as (
    {{ experiment_report('table 6') | indent(4) }}
)

select
    case when origin = 'log' then 'log: ' else '' end || compared as compared,
    lift,
    p_value,
    true_lift,
    verdict
from measured
order by origin desc, compared
