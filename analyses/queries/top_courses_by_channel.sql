-- The five courses that stand most often among the first ten of a list, by channel
select lists.channel, courses.title, count(*) as members, round(avg(lists.position), 1) as mean_position
from serving.recommendations as lists
inner join staging.stg_courses as courses using (course_id)
where lists.position <= 10
group by lists.channel, courses.course_id, courses.title
qualify row_number() over (partition by lists.channel order by members desc, courses.course_id) <= 5
order by lists.channel, members desc
