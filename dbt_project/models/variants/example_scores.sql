-- how each variant would have scored the examples of the evaluated days
with evaluated as (
    select examples.*
    from {{ ref('examples') }} as examples
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where label_sets.is_evaluation and examples.split in ('validation', 'test')
),

history_counts as (
    select evaluated.example_id, count(*) as engagements
    from evaluated
    inner join {{ ref('engagements') }} as engagements
        on evaluated.member_id = engagements.member_id and engagements.engaged_date < evaluated.served_date
    group by evaluated.example_id
),

variant_scores as (
    select
        variants.variant,
        evaluated.example_id,
        -cast({{ day_diff('coalesce(courses.released_date, ' ~ beginning() ~ ')', 'evaluated.served_date') }} as double) as score,
        true as is_scored
    from evaluated
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    inner join {{ ref('variants') }} as variants on variants.learner = 'recency'
    union all
    select
        variants.variant,
        evaluated.example_id,
        coalesce({{ exact_sum('member_side.weight * course_side.weight') }}, 0) as score,
        count(member_side.weight) > 0 as is_scored
    from evaluated
    inner join {{ ref('variants') }} as variants on variants.learner = 'affinity'
    left join {{ ref('course_skills') }} as course_side
        on variants.course_skills = course_side.mapping and evaluated.course_id = course_side.course_id
    left join {{ ref('member_skills') }} as member_side
        on variants.member_skills = member_side.mapping
        and evaluated.member_id = member_side.member_id
        and course_side.skill_id = member_side.skill_id
    group by variants.variant, evaluated.example_id
    union all
    select variant, example_id, score, true as is_scored
    from {{ ref('learned_example_scores') }}
)

select
    variant_scores.variant,
    evaluated.split,
    evaluated.channel,
    evaluated.platform,
    evaluated.is_random,
    evaluated.example_id,
    evaluated.member_id,
    evaluated.label,
    evaluated.weight,
    cast(round(variant_scores.score, 9) as double) as score,
    variant_scores.is_scored,
    cast(coalesce(history_counts.engagements, 0) as integer) as engagements
from variant_scores
inner join evaluated using (example_id)
left join history_counts using (example_id)
