-- what each skill leads to, by the mapping of courses that a rule reads
{%- set mappings = [] %}
{%- for name in variants_with(['affinity']) if resolved_variant(name).course_skills not in mappings %}
{%- do mappings.append(resolved_variant(name).course_skills) %}
{%- endfor %}
with mapped as (
{%- for mapping in mappings | sort %}
    select '{{ mapping }}' as course_skills, skill_id, course_id, weight
    from {{ ref(mapping) }}
    {{ 'union all' if not loop.last }}
{%- else %}
    select cast(null as string) as course_skills, skill_id, cast(null as {{ id_type() }}) as course_id, 1.0e0 as weight
    from {{ ref('stg_skills') }}
    where false
{%- endfor %}
)

select mapped.course_skills, mapped.skill_id, courses.course_number, cast(mapped.weight as double) as weight
from mapped
inner join {{ ref('candidate_courses') }} as courses using (course_id)
