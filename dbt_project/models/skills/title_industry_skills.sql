-- {title, industry} -> skills: the platform's own mapping where it has one, else the mean profile weights of the members
-- with the same title and industry, shrunk towards those of everybody with the title. A title that fewer than
-- `minimum_cohort` skilled members carry maps to nothing.
{%- set prior_members = 10 %}
{%- set skills_kept = 25 %}
with skilled_members as (
    select distinct members.member_id, members.title, members.industry
    from {{ ref('stg_members') }} as members
    inner join {{ ref('ms01') }} as ms01 using (member_id)
    where members.title is not null
),

titles as (
    select title, count(*) as members
    from skilled_members
    group by title
    having count(*) >= {{ var('minimum_cohort') }}
),

title_skills as (
    select skilled_members.title, ms01.skill_id, {{ exact_sum('ms01.weight') }} / max(titles.members) as weight
    from skilled_members
    inner join titles using (title)
    inner join {{ ref('ms01') }} as ms01 using (member_id)
    group by skilled_members.title, ms01.skill_id
),

-- every pair of a title and an industry that some member carries, skilled or not
cohorts as (
    select members.title, members.industry, count(skilled_members.member_id) as members
    from {{ ref('stg_members') }} as members
    inner join titles using (title)
    left join skilled_members using (member_id)
    where members.industry is not null
    group by members.title, members.industry
),

cohort_skills as (
    select skilled_members.title, skilled_members.industry, ms01.skill_id, {{ exact_sum('ms01.weight') }} as weight
    from skilled_members
    inner join {{ ref('ms01') }} as ms01 using (member_id)
    where skilled_members.industry is not null
    group by skilled_members.title, skilled_members.industry, ms01.skill_id
),

shrunk as (
    select
        cohorts.title,
        cohorts.industry,
        title_skills.skill_id,
        cohorts.members,
        (coalesce(cohort_skills.weight, 0) + {{ prior_members }} * title_skills.weight)
        / (cohorts.members + {{ prior_members }}) as weight
    from cohorts
    inner join title_skills using (title)
    left join cohort_skills using (title, industry, skill_id)
)

select title, industry, skill_id, weight, cast(null as bigint) as members
from {{ ref('stg_title_industry_skills') }}
where weight > 0
union all
select
    title,
    industry,
    skill_id,
    cast(round(weight, 12) as double) as weight,
    cast(members as bigint) as members
from shrunk
where not exists (select 1 from {{ ref('stg_title_industry_skills') }})
qualify row_number() over (partition by title, industry order by round(weight, 12) desc, skill_id) <= {{ skills_kept }}
