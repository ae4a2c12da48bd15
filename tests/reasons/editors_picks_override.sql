-- a course that the editors picked is shown as their pick, whatever else applies
select best_reasons.member_id, best_reasons.course_id, best_reasons.reason
from {{ ref('best_reasons') }} as best_reasons
inner join {{ ref('stg_editors_picks') }} as picks using (course_id)
where (picks.picked_date is null or picks.picked_date <= {{ as_of_date() }}) and best_reasons.reason <> 'editors_pick'
