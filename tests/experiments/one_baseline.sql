-- an experiment has one arm that the others are compared with, and others
select experiment, sum(case when is_baseline then 1 else 0 end) as baselines, count(*) as arms
from {{ ref('experiment_arms') }}
group by experiment
having sum(case when is_baseline then 1 else 0 end) <> 1 or count(*) < 2
