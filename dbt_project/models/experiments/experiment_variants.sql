-- which variants experiments show, where, and whether in the simulated sessions or in the log
{{ config(materialized='view') }}
select distinct experiments.origin, experiments.channel, arms.variant
from {{ ref('experiments') }} as experiments
inner join {{ ref('experiment_arms') }} as arms using (experiment)
