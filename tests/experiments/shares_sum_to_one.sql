-- the arms of an experiment share all of its members
select experiment, sum(share) as share
from {{ ref('experiment_arms') }}
group by experiment
having abs(sum(share) - 1) > 1e-9
