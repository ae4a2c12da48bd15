-- What a member's own model adds to the log-odds grows with the member's engagements before the day: mean |member_score| of
-- glmix on the test days, by tenths of the examples; without a model it is exactly 0. The intercept says that a member who
-- saw much clicked little, too; what the features say of courses needs engagements.
with contributions as (
    select
        scored.example_id,
        scored.engagements,
        abs(effects.member_score) as contribution,
        abs(effects.member_score - coalesce(intercepts.coefficient, 0)) as of_features,
        entities.entity_id is not null as has_model
    from {{ ref('example_scores') }} as scored
    inner join {{ ref('learned_example_scores') }} as effects
        on scored.variant = effects.variant and scored.example_id = effects.example_id
    left join {{ ref('glmix_entities') }} as entities
        on entities.effect = 'member'
        and entities.is_learned
        and scored.variant = entities.variant
        and cast(scored.member_id as varchar) = entities.entity_id
    left join {{ ref('coefficients') }} as intercepts
        on intercepts.feature = 'intercept'
        and entities.variant = intercepts.variant
        and entities.effect = intercepts.effect
        and entities.entity_id = intercepts.entity_id
    where scored.variant = 'glmix' and scored.split = 'test'
),

tenths as (
    select
        engagements,
        contribution,
        of_features,
        ntile(10) over (order by engagements, example_id) as tenth
    from contributions
    where has_model
    union all
    select engagements, contribution, of_features, 0 as tenth
    from contributions
    where not has_model
)

select
    case when tenth = 0 then 'no model' else cast(tenth as varchar) end as tenth,
    min(engagements) || ' - ' || max(engagements) as engagements,
    count(*) as examples,
    cast(round(avg(contribution), 4) as varchar) as mean_contribution,
    cast(round(avg(of_features), 4) as varchar) as of_features,
    cast(round(max(contribution), 4) as varchar) as largest
from tenths
group by tenth
order by tenths.tenth
