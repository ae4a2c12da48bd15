-- what is shown of a course, and its number: the store writes numbers, whatever the platform's keys look like
select
    course_id,
    cast(row_number() over (order by course_id) - 1 as integer) as course_number,
    title,
    cast(duration_seconds as double) as duration_seconds,
    {{ reason_text("'{minutes}'", "''", 'duration_seconds') }} as duration_text
from {{ ref('stg_courses') }}
order by course_number
