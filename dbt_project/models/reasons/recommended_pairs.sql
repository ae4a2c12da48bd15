-- Every member and course that some assigned variant recommends, with its best position: the collection within which
-- reasons are ranked.
select member_id, course_id, min(position) as best_position
from {{ ref('scores') }}
group by member_id, course_id
