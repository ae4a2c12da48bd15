-- what `explain` reads of a course that can be recommended, one record each
with held as (
    select course_id, feature, term, value
    from {{ ref('scoring_course_features') }}
    union all
    select course_id, mapping as feature, cast(skill_id as varchar) as term, weight as value
    from {{ ref('course_skills') }}
    union all
    select course_id, 'recency_rank' as feature, '' as term, cast(recency_rank as double) as value
    from {{ ref('available_courses') }}
)

select
    courses.course_id,
    courses.course_number,
    {{ list_by_rank('terms.term_number', 'terms.term_number') }} as terms,
    {{ list_by_rank('held.value', 'terms.term_number') }} as term_values
from {{ ref('scoring_courses') }} as courses
inner join held using (course_id)
inner join {{ ref('explained_terms') }} as terms using (feature, term)
group by courses.course_id, courses.course_number
order by courses.course_id
