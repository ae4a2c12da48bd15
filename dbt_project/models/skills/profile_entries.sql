-- the skill entries of profiles with their spelling, and which members the model of ms01 learns from; what was not picked,
-- or picked without a skill, is free text
select
    member_id,
    entry_number,
    entry_text,
    {{ spelling_of('entry_text') }} as spelling,
    case when entry_kind = 'picked' then skill_id end as picked_skill_id,
    {{ hash_bucket(['member_id'], 'profile_entries', 5) }} = 0 as is_held_out
from {{ ref('stg_member_profile_skills') }}
