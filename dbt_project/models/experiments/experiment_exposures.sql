-- Which arm of an experiment a member saw. Simulated: by hash over the shares, salted with the experiment, of the members
-- with a session in the channel. Logged: what the log served; who saw several arms takes no part.
with arms as (
    select
        arms.experiment,
        experiments.channel,
        experiments.origin,
        experiments.first_date,
        experiments.last_date,
        arms.variant,
        round(sum(arms.share) over (partition by arms.experiment order by arms.variant) / sum(arms.share) over (partition by arms.experiment), 9) as upper_edge,
        round((sum(arms.share) over (partition by arms.experiment order by arms.variant) - arms.share) / sum(arms.share) over (partition by arms.experiment), 9) as lower_edge
    from {{ ref('experiment_arms') }} as arms
    inner join {{ ref('experiments') }} as experiments using (experiment)
    where arms.share > 0
),

exposed as (
    select
        experiments.experiment,
        responses.member_id,
        min(responses.date) as first_date,
        max(responses.date) as last_date,
        min(arms.variant) as variant,
        count(distinct arms.variant) as variants
    from {{ ref('experiments') }} as experiments
    inner join arms on experiments.experiment = arms.experiment
    inner join {{ ref('experiment_responses') }} as responses
        on experiments.origin = responses.origin
        and experiments.channel = responses.channel
        and arms.variant = responses.variant
        and responses.date >= coalesce(experiments.first_date, responses.date)
        and responses.date <= coalesce(experiments.last_date, responses.date)
    group by experiments.experiment, responses.member_id
),

drawn as (
    select *, {{ hash_bucket(['experiment', 'member_id'], 'experiment', 1000000) }} / 1000000.0e0 as draw
    from exposed
)

select drawn.experiment, drawn.member_id, arms.variant, drawn.first_date
from drawn
inner join arms
    on drawn.experiment = arms.experiment
    and case
        when arms.origin = 'log' then drawn.variants = 1 and drawn.variant = arms.variant
        else drawn.draw >= arms.lower_edge and drawn.draw < arms.upper_edge
    end
