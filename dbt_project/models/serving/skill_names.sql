-- what is shown of a skill
select skill_id, name
from {{ ref('stg_skills') }}
