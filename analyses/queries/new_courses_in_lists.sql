-- How many of the first thirty places go to courses of the last 30 days, by variant
select
    lists.variant,
    count(*) as places,
    round(100 * avg(case when courses.released_date >= day.as_of_date - 30 then 1 else 0 end), 1) as per_cent_new
from serving.recommendations as lists
inner join staging.stg_courses as courses using (course_id)
cross join staging.as_of_date as day
where lists.position <= 30
group by lists.variant
order by per_cent_new desc, lists.variant
