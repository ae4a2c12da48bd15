-- Courses with more members engaged in the last 14 days than in the 14 before, by the difference
select
    courses.title,
    count(distinct case when events.engaged_date >= day.as_of_date - 14 then events.member_id end) as last_14_days,
    count(distinct case when events.engaged_date < day.as_of_date - 14 then events.member_id end) as days_before
from labels.engagements as events
inner join staging.stg_courses as courses using (course_id)
cross join staging.as_of_date as day
where events.engaged_date >= day.as_of_date - 28 and events.engaged_date < day.as_of_date
group by courses.course_id, courses.title
order by last_14_days - days_before desc, courses.title
