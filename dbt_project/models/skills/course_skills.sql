-- every course -> skill mapping in one table
select 'cs01' as mapping, course_id, skill_id, weight
from {{ ref('cs01') }}
