-- m001: latest releases first, the same for everybody (table 3)
select course_id, -cast(recency_rank as double) as score
from {{ ref('available_courses') }}
