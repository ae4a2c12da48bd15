-- every member -> skill mapping in one table
select 'ms01' as mapping, member_id, skill_id, weight
from {{ ref('ms01') }}
union all
select 'ms02' as mapping, member_id, skill_id, weight
from {{ ref('ms02') }}
