-- the list of every member in every channel, in plain rows; `recommend` shows it without the dismissed courses
{{ config(materialized='view') }}
select
    assignments.member_id,
    assignments.channel,
    scores.variant,
    scores.position,
    scores.course_id,
    {{ served_score('scores.score') }} as score,
    best_reasons.reason,
    {{ reason_text('reasons.text', 'skills.name', 'courses.duration_seconds') }} as reason_text
from {{ ref('assignments') }} as assignments
inner join {{ ref('scores') }} as scores using (member_id, variant)
inner join {{ ref('best_reasons') }} as best_reasons
    on scores.member_id = best_reasons.member_id and scores.course_id = best_reasons.course_id
inner join {{ ref('reasons') }} as reasons on best_reasons.reason = reasons.reason
inner join {{ ref('stg_courses') }} as courses on scores.course_id = courses.course_id
left join {{ ref('stg_skills') }} as skills on best_reasons.skill_id = skills.skill_id
