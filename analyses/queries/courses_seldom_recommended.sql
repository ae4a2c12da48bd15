-- Courses, released by the day of the lists, that stand among the first ten of the fewest members' lists, on any channel
select
    courses.course_id,
    courses.title,
    courses.released_date,
    count(distinct lists.member_id) as members
from staging.stg_courses as courses
semi join skills.available_courses as available using (course_id)
left join serving.recommendations as lists on courses.course_id = lists.course_id and lists.position <= 10
group by courses.course_id, courses.title, courses.released_date
order by members, courses.course_id
