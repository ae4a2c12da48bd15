-- numbers for the courses that can be recommended
select course_id, cast(row_number() over (order by course_id) - 1 as integer) as course_number
from {{ ref('available_courses') }}
