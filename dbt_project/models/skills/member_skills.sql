-- every member -> skill mapping in one table
select 'ms01' as mapping, member_id, skill_id, weight
from {{ ref('ms01') }}
