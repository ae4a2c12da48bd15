-- What is shown of a course, and its number: the store writes numbers, whatever the platform's keys look like. Candidates come
-- first, so that they have the numbers the scorer gives them.
select
    courses.course_id,
    cast(row_number() over (order by candidates.course_number nulls last, courses.course_id) - 1 as integer) as course_number,
    courses.title,
    cast(courses.duration_seconds as double) as duration_seconds,
    {{ reason_text("'{minutes}'", "''", 'courses.duration_seconds') }} as duration_text
from {{ ref('stg_courses') }} as courses
left join {{ ref('candidate_courses') }} as candidates using (course_id)
order by course_number
