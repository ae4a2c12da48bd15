-- the lists of `scores`, in the numbers of the courses
{{ config(materialized='view') }}
with listed as (
    select
        scores.variant,
        scores.member_id,
        {{ sorted_list({'position': 'cast(scores.position as bigint)', 'course': 'courses.course_number', 'score': 'scores.score'}) }} as places
    from {{ ref('unsettled_scores') }} as scores
    inner join {{ ref('candidate_courses') }} as courses using (course_id)
    group by scores.variant, scores.member_id
)

select variant, member_id, courses, scores, positions
from {{ ref('settled_lists') }}
union all
select
    variant,
    member_id,
    {{ fields_of('places', 'course') }} as courses,
    {{ fields_of('places', 'score') }} as scores,
    {{ fields_of('places', 'position') }} as positions
from listed
