-- table 1: how many of the standardised skills a mapping reaches, and for member mappings how many members
with skills as (
    select count(*) as skills_total
    from {{ ref('stg_skills') }}
),

members as (
    select count(*) as members_total
    from {{ ref('stg_members') }}
),

mapped as (
    select mapping, count(distinct skill_id) as skills_mapped, cast(null as bigint) as members_mapped
    from {{ ref('course_skills') }}
    group by mapping
    union all
    select mapping, count(distinct skill_id) as skills_mapped, count(distinct member_id) as members_mapped
    from {{ ref('member_skills') }}
    group by mapping
)

select
    mapped.mapping,
    mapped.skills_mapped,
    skills.skills_total,
    cast(mapped.skills_mapped / nullif(cast(skills.skills_total as double), 0) as double) as coverage,
    mapped.members_mapped,
    case when mapped.members_mapped is not null then members.members_total end as members_total,
    cast(mapped.members_mapped / nullif(cast(members.members_total as double), 0) as double) as member_coverage
from mapped
cross join skills
cross join members
