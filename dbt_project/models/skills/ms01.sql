-- member -> skill by profile: picked entries as they are; typed text by its spelling, its weight shared by all skills
-- that the spelling may mean
with spellings as (
    select distinct {{ normalised('name') }} as spelling, skill_id
    from {{ ref('stg_skills') }}
    union
    select distinct {{ normalised('alias') }} as spelling, skill_id
    from {{ ref('stg_skill_aliases') }}
),

meanings as (
    select spelling, skill_id, 1.0e0 / count(*) over (partition by spelling) as weight
    from spellings
),

entries as (
    select member_id, skill_id, 1.0e0 as weight, 'picked' as source
    from {{ ref('stg_member_profile_skills') }}
    where entry_kind = 'picked' and skill_id is not null
    union all
    select profile.member_id, meanings.skill_id, meanings.weight, 'typed' as source
    from {{ ref('stg_member_profile_skills') }} as profile
    inner join meanings on {{ normalised('profile.entry_text') }} = meanings.spelling
    where profile.entry_kind = 'typed'
)

select
    member_id,
    skill_id,
    cast(max(weight) as double) as weight,
    min(source) as source
from entries
group by member_id, skill_id
