-- in a simulated experiment every member with a session in its channel is in one arm; without events there are no learned lists
{{ config(enabled=var('raw_location') == '' and not var('no_events')) }}
select experiments.experiment, count(distinct sessions.member_id) as members, count(distinct exposures.member_id) as exposed
from {{ ref('experiments') }} as experiments
inner join {{ ref('experiment_sessions') }} as sessions on experiments.channel = sessions.channel
left join {{ ref('experiment_exposures') }} as exposures
    on experiments.experiment = exposures.experiment and sessions.member_id = exposures.member_id
where experiments.origin = 'simulation'
group by experiments.experiment
having count(distinct sessions.member_id) <> count(distinct exposures.member_id)
