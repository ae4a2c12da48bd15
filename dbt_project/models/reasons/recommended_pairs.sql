-- every member and course that some assigned variant recommends: the collection within which reasons are ranked
select distinct member_id, course_id
from {{ ref('scores') }}
