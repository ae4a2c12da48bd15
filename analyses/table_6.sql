-- Table 6: logistic regression online against the best affinity variant, simulated after the log and as the log has it
with measured as (
    {{ experiment_report('table 6') | indent(4) }}
)

select compared, experiment, lift, interval, p_value, detectable, true_lift, paper_lift, verdict
from measured
order by experiment like '%log', compared
