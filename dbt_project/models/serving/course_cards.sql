-- what is shown of a course
select course_id, title, cast(duration_seconds as double) as duration_seconds
from {{ ref('stg_courses') }}
