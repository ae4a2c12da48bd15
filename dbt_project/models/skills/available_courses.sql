-- courses that can be recommended on the day of the lists, latest first
select
    course_id,
    released_date,
    cast(row_number() over (order by released_date desc nulls last, course_id) as bigint) as recency_rank
from {{ ref('stg_courses') }}
where released_date is null or released_date <= {{ as_of_date() }}
