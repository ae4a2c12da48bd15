-- What the score of each assigned variant is made of: its own model, or for a blend the models it combines as well, each
-- with the factor its score counts with. A variant that had nothing to learn from serves the last affinity variant.
with recursive served as (
    select
        assigned.variant,
        case
            when variants.learner in {{ rule_learner_names() }} or learned.variant is not null then assigned.variant
            else '{{ variants_with(['affinity']) | last }}'
        end as model
    from (select distinct variant from {{ ref('assignments') }}) as assigned
    inner join {{ ref('variants') }} as variants using (variant)
    left join (select distinct variant from {{ ref('coefficients') }}) as learned using (variant)
),

combined as (
    select variant, model, 1.0e0 as factor
    from served
    union all
    select combined.variant, weights.feature as model, combined.factor * weights.coefficient as factor
    from combined
    inner join {{ ref('coefficients') }} as weights on combined.model = weights.variant
    where weights.effect = 'blend' and weights.feature <> 'intercept'
)

select
    combined.variant,
    combined.model,
    variants.learner,
    variants.course_skills,
    variants.member_skills,
    cast(sum(combined.factor) as double) as factor
from combined
inner join {{ ref('variants') }} as variants on combined.model = variants.variant
group by combined.variant, combined.model, variants.learner, variants.course_skills, variants.member_skills
order by combined.variant, combined.model
