-- What `explain` reads of a course that can be recommended, one record each: its features, and the coefficients of its own
-- models.
with held as (
    select course_id, feature, term, value
    from {{ ref('scoring_course_features') }}
    union all
    select course_id, mapping as feature, cast(skill_id as varchar) as term, weight as value
    from {{ ref('course_skills') }}
    union all
    select course_id, 'recency_rank' as feature, '' as term, cast(recency_rank as double) as value
    from {{ ref('available_courses') }}
),

course_terms as (
    select
        held.course_id,
        {{ list_by_rank('terms.term_number', 'terms.term_number') }} as terms,
        {{ list_by_rank('held.value', 'terms.term_number') }} as term_values
    from held
    inner join {{ ref('explained_terms') }} as terms using (feature, term)
    group by held.course_id
),

course_effects as (
    select
        coefficients.entity_id,
        {{ list_by_rank('coefficients.variant', 'coefficients.variant, terms.term_number') }} as effect_models,
        {{ list_by_rank('terms.term_number', 'coefficients.variant, terms.term_number') }} as effect_terms,
        {{ list_by_rank('coefficients.coefficient', 'coefficients.variant, terms.term_number') }} as effect_coefficients
    from {{ ref('coefficients') }} as coefficients
    inner join {{ ref('explained_terms') }} as terms using (feature, term)
    where coefficients.effect = 'course' and coefficients.variant in (select model from {{ ref('explained_models') }})
    group by coefficients.entity_id
)

select
    courses.course_id,
    courses.course_number,
    course_terms.terms,
    course_terms.term_values,
    course_effects.effect_models,
    course_effects.effect_terms,
    course_effects.effect_coefficients
from {{ ref('candidate_courses') }} as courses
inner join course_terms using (course_id)
left join course_effects on cast(courses.course_id as varchar) = course_effects.entity_id
order by courses.course_id
