{{ config(materialized='view') }}
-- The feed's examples as variants with random effects would have scored them by some of their parts: the global effect
-- alone, with the intercepts of member and course, with all but these, and everything.
with parts as (
    {%- for parts in ('global', 'intercepts', 'features', 'all') %}
    select '{{ parts }}' as parts
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

intercepts as (
    select variant, effect, entity_id, coefficient
    from {{ ref('coefficients') }}
    where feature = 'intercept' and effect in ('member', 'course')
)

select
    scored.variant,
    scored.split,
    parts.parts,
    scored.example_id,
    scored.member_id,
    scored.label,
    scored.weight,
    cast(round(
        case parts.parts
            when 'global' then effects.global_score
            when 'intercepts' then effects.global_score + coalesce(of_member.coefficient, 0) + coalesce(of_course.coefficient, 0)
            when 'features' then effects.score - coalesce(of_member.coefficient, 0) - coalesce(of_course.coefficient, 0)
            else effects.score
        end, 9
    ) as double) as score,
    scored.is_scored
from {{ ref('example_scores') }} as scored
inner join {{ ref('variants') }} as variants on scored.variant = variants.variant and variants.random_effects is not null
inner join {{ ref('learned_example_scores') }} as effects
    on scored.variant = effects.variant and scored.example_id = effects.example_id
inner join {{ ref('example_keys') }} as keys on scored.example_id = keys.example_id
cross join parts
left join intercepts as of_member
    on of_member.effect = 'member' and scored.variant = of_member.variant and cast(keys.member_id as string) = of_member.entity_id
left join intercepts as of_course
    on of_course.effect = 'course' and scored.variant = of_course.variant and cast(keys.course_id as string) = of_course.entity_id
where scored.channel = 'feed'
