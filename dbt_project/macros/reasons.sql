{# A reason that names a skill: of the skills that course and member share, the one whose product of weights is largest. #}
{% macro matching_skill(reason, member_feature) -%}
with contributions as (
    select
        pairs.member_id,
        pairs.course_id,
        member_side.term as skill_id,
        round(member_side.value * course_side.value, 9) as contribution
    from {{ ref('recommended_pairs') }} as pairs
    inner join {{ ref('latest_course_features') }} as course_side
        on pairs.course_id = course_side.course_id and course_side.feature = 'course_skill'
    inner join {{ ref('latest_member_features') }} as member_side
        on pairs.member_id = member_side.member_id
        and member_side.feature = '{{ member_feature }}'
        and member_side.term = course_side.term
)

select
    member_id,
    course_id,
    '{{ reason }}' as reason,
    contribution as score,
    cast(skill_id as {{ var('id_type') }}) as skill_id
from contributions
qualify row_number() over (partition by member_id, course_id order by contribution desc, skill_id) = 1
{%- endmacro %}

{# The sentence a learner reads, from the text of the reason. #}
{% macro reason_text(text, skill_name, duration_seconds) -%}
    replace(
        replace({{ text }}, '{skill}', coalesce({{ skill_name }}, '')),
        '{minutes}',
        case
            when {{ duration_seconds }} < 90 then cast(cast(round({{ duration_seconds }}) as integer) as varchar) || ' seconds'
            else coalesce(cast(cast(round({{ duration_seconds }} / 60) as integer) as varchar), '') || ' minutes'
        end
    )
{%- endmacro %}
