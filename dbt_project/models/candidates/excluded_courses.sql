-- what is not recommended to a member again: courses dismissed, and courses watched to the end
select member_id, course_id
from {{ ref('stg_dismissals') }}
where dismissed_at is null or dismissed_at < {{ as_of_date() }}
union
select engagements.member_id, engagements.course_id
from {{ ref('engagements') }} as engagements
inner join {{ ref('stg_courses') }} as courses using (course_id)
where engagements.watch_seconds >= {{ var('finished_share') }} * courses.duration_seconds
    and courses.duration_seconds > 0
    and engagements.engaged_date < {{ as_of_date() }}
