-- the clicks drawn in the simulated sessions are as many as the true probabilities say, in every variant and channel
{{ config(enabled=var('raw_location') == '') }}
select variant, channel, sum(clicks) as clicks, sum(expected_clicks) as expected_clicks
from {{ ref('experiment_responses') }}
where origin = 'simulation'
group by variant, channel
having abs(sum(clicks) - sum(expected_clicks)) > 5 * sqrt(sum(expected_clicks))
