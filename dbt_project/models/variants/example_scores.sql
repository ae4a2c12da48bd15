-- how each variant would have scored the examples of the days it did not learn from
with held_out as (
    select examples.*
    from {{ ref('examples') }} as examples
    where examples.split in ('validation', 'test')
),

variant_scores as (
    select
        variants.variant,
        held_out.example_id,
        -cast(held_out.served_date - coalesce(courses.released_date, {{ beginning() }}) as double) as score
    from held_out
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    inner join {{ ref('variants') }} as variants on variants.learner = 'recency'
    union all
    select
        variants.variant,
        held_out.example_id,
        coalesce({{ exact_sum('member_side.weight * course_side.weight') }}, 0) as score
    from held_out
    inner join {{ ref('variants') }} as variants on variants.learner = 'affinity'
    left join {{ ref('course_skills') }} as course_side
        on variants.course_skills = course_side.mapping and held_out.course_id = course_side.course_id
    left join {{ ref('member_skills') }} as member_side
        on variants.member_skills = member_side.mapping
        and held_out.member_id = member_side.member_id
        and course_side.skill_id = member_side.skill_id
    group by variants.variant, held_out.example_id
    union all
    select
        training_rows.variant,
        training_rows.example_id,
        {{ exact_sum('training_rows.value * coefficients.coefficient') }} as score
    from {{ ref('training_rows') }} as training_rows
    inner join {{ ref('coefficients') }} as coefficients
        on training_rows.variant = coefficients.variant
        and training_rows.feature = coefficients.feature
        and training_rows.term = coefficients.term
    where training_rows.split in ('validation', 'test') and coefficients.effect = 'global'
    group by training_rows.variant, training_rows.example_id
)

select
    variant_scores.variant,
    held_out.split,
    held_out.channel,
    held_out.example_id,
    held_out.member_id,
    held_out.label,
    held_out.weight,
    cast(round(variant_scores.score, 9) as double) as score
from variant_scores
inner join held_out using (example_id)
where variant_scores.score is not null
