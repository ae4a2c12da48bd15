-- The lists that rules make, and the skills they are made by: those of the variants that are rules, and of learned variants that
-- had nothing to learn from, which serve the lists of the last affinity variant.
{%- set affinity = variants_with(['affinity']) %}
{%- set tables = [] %}
{%- for name in affinity if resolved_variant(name).member_skills not in tables %}
{%- do tables.append(resolved_variant(name).member_skills) %}
{%- endfor %}
with rules as (
    select
        variants.variant,
        case when variants.learner in {{ rule_learner_names() }} then variants.variant else '{{ affinity | last }}' end as rule
    from {{ ref('variants') }} as variants
    anti join (select distinct variant from {{ ref('coefficients') }}) as learned on variants.variant = learned.variant
),

wanted as (
    select distinct assignments.variant, assignments.member_id, rules.rule
    from {{ ref('assignments') }} as assignments
    inner join rules using (variant)
),

member_skills as (
{%- for table in tables | sort %}
    select
        '{{ table }}' as member_skills,
        member_id,
        {{ list_by_rank('skill_id', 'skill_id') }} as skills,
        {{ list_by_rank('weight', 'skill_id') }} as weights
    from {{ ref(table) }}
    group by member_id
    {{ 'union all' if not loop.last }}
{%- else %}
    select
        cast(null as string) as member_skills,
        member_id,
        {{ empty_list(id_type()) }} as skills,
        {{ empty_list('double') }} as weights
    from {{ ref('stg_members') }}
    where false
{%- endfor %}
)

select
    wanted.variant,
    wanted.member_id,
    rules.course_skills,
    coalesce(member_skills.skills, {{ empty_list(id_type()) }}) as skills,
    coalesce(member_skills.weights, {{ empty_list('double') }}) as weights,
    members.excluded
from wanted
inner join {{ ref('candidate_members') }} as members using (member_id)
left join {{ ref('variants') }} as rules on wanted.rule = rules.variant
left join member_skills on rules.member_skills = member_skills.member_skills and wanted.member_id = member_skills.member_id
