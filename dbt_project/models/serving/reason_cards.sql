-- What is shown of a reason: of one that names a skill, a card per skill; {minutes} is filled in course by course.
with shown_reasons as (
    select distinct reason, skill_id
    from {{ ref('reasoned_pairs') }}
    union
    select distinct 'followed_skill' as reason, cast(term as {{ id_type() }}) as skill_id
    from {{ ref('latest_course_features') }}
    where feature = 'course_skill'
    union
    select 'recommended_for_you' as reason, null as skill_id
)

select
    cast(row_number() over (order by shown_reasons.reason, shown_reasons.skill_id nulls first) - 1 as integer) as reason_number,
    shown_reasons.reason,
    shown_reasons.skill_id,
    replace(reasons.text, '{skill}', coalesce(skills.name, '')) as text,
    replace(reasons.carousel_text, '{skill}', coalesce(skills.name, '')) as carousel_text
from shown_reasons
inner join {{ ref('reasons') }} as reasons on shown_reasons.reason = reasons.reason
left join {{ ref('stg_skills') }} as skills on shown_reasons.skill_id = skills.skill_id
order by reason_number
