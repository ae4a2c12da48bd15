-- The skill-correlation graph: the platform's own similarities where it has any, else the cosine of two skills over the
-- profiles that list them.
{%- set minimum_members = 5 %}
{%- set neighbours = 10 %}
with given as (
    select skill_id, related_skill_id, similarity
    from {{ ref('stg_skill_similarities') }}
    where skill_id <> related_skill_id
),

profiles as (
    select distinct member_id, skill_id
    from {{ ref('stg_member_profile_skills') }}
    where entry_kind = 'picked' and skill_id is not null and not exists (select 1 from given)
),

skill_members as (
    select skill_id, count(*) as members
    from profiles
    group by skill_id
    having count(*) >= {{ minimum_members }}
),

shared_members as (
    select one.skill_id, other.skill_id as related_skill_id, count(*) as members
    from profiles as one
    inner join profiles as other on one.member_id = other.member_id and one.skill_id <> other.skill_id
    group by one.skill_id, other.skill_id
    having count(*) >= 2
),

cosines as (
    select
        shared_members.skill_id,
        shared_members.related_skill_id,
        round(shared_members.members / sqrt(cast(one.members * other.members as double)), 9) as similarity
    from shared_members
    inner join skill_members as one on shared_members.skill_id = one.skill_id
    inner join skill_members as other on shared_members.related_skill_id = other.skill_id
)

select skill_id, related_skill_id, cast(similarity as double) as similarity, 'given' as source
from given
union all
select skill_id, related_skill_id, cast(similarity as double) as similarity, 'profiles' as source
from cosines
qualify row_number() over (partition by skill_id order by similarity desc, related_skill_id) <= {{ neighbours }}
