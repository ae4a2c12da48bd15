-- In which industries members keep no profile skills that can be read, so that they are matched by title, industry or nothing
with skilled as (
    select distinct mapping, member_id
    from skills.member_skills
)

select
    members.industry,
    count(*) as members,
    count(*) - count(profile.member_id) as without_profile_skills,
    count(*) - count(any_skill.member_id) as without_any_skill
from staging.stg_members as members
left join skilled as profile on members.member_id = profile.member_id and profile.mapping = 'ms01'
left join skilled as any_skill on members.member_id = any_skill.member_id and any_skill.mapping = 'ms02'
group by members.industry
order by without_profile_skills desc, members.industry
