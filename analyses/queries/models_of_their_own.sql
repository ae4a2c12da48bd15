-- How many members and courses have a model of their own in each variant with random effects, and from how many examples
select
    variant,
    effect,
    count(*) as entities,
    count(*) filter (is_learned) as with_a_model,
    round(avg(rows) filter (is_learned), 1) as mean_examples
from variants.glmix_entities
group by variant, effect
order by variant, effect
