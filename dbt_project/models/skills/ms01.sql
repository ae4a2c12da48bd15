-- member -> skill by profile: picked entries as they are; typed ones standardised, with the probability that they mean the
-- skill (section 3.2)
with entries as (
    select member_id, picked_skill_id as skill_id, 1.0e0 as weight, 'picked' as source
    from {{ ref('profile_entries') }}
    where picked_skill_id is not null
    union all
    select meanings.member_id, meanings.skill_id, meanings.probability as weight, 'typed' as source
    from {{ ref('profile_entry_skills') }} as meanings
    inner join {{ ref('profile_entries') }} as entries using (member_id, entry_number)
    where entries.picked_skill_id is null and meanings.probability >= {{ var('minimum_meaning') }}
)

select
    member_id,
    skill_id,
    cast(max(weight) as double) as weight,
    min(source) as source
from entries
group by member_id, skill_id
