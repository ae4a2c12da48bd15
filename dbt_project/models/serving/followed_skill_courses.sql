-- the courses that come up for who follows a skill: those that teach it most, with the reason under which they do
with taught as (
    select
        cast(features.term as {{ id_type() }}) as skill_id,
        features.course_id,
        cast(row_number() over (partition by features.term order by round(features.value, 9) desc, features.course_id) as integer) as skill_rank
    from {{ ref('latest_course_features') }} as features
    inner join {{ ref('available_courses') }} as available on features.course_id = available.course_id
    where features.feature = 'course_skill'
)

select taught.skill_id, taught.skill_rank, cards.course_number, reasons.reason_number
from taught
inner join {{ ref('course_cards') }} as cards on taught.course_id = cards.course_id
inner join {{ ref('reason_cards') }} as reasons on reasons.reason = 'followed_skill' and taught.skill_id = reasons.skill_id
where taught.skill_rank <= 10
order by taught.skill_id, taught.skill_rank
