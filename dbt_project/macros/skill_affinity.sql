{# Skill affinity (section 3, figure 3): the summed product of weights over the skills a course and a member share. #}
{% macro skill_affinity(course_skills, member_skills) -%}
select
    members.member_id,
    courses.course_id,
    {{ exact_sum('members.weight * courses.weight') }} as score
from {{ ref(member_skills) }} as members
inner join {{ ref(course_skills) }} as courses using (skill_id)
inner join {{ ref('available_courses') }} as available using (course_id)
group by members.member_id, courses.course_id
{%- endmacro %}
