-- skills that members follow; their courses come up in the list as it is read
select member_id, skill_id
from {{ ref('stg_followed_skills') }}
order by member_id, skill_id
