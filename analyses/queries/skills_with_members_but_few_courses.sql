-- Gaps of the catalogue: skills of many profiles that few courses teach
select
    skills.name as skill,
    count(distinct profiles.member_id) as members,
    count(distinct taught.course_id) as courses
from staging.stg_skills as skills
inner join skills.member_skills as profiles on skills.skill_id = profiles.skill_id and profiles.mapping = 'ms01'
left join skills.course_skills as taught on skills.skill_id = taught.skill_id and taught.mapping = 'cs03'
group by skills.skill_id, skills.name
order by count(distinct profiles.member_id) / (1 + count(distinct taught.course_id)) desc, skill
