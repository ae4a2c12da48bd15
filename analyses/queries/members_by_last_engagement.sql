-- How long ago members last did something with a course
with last_days as (
    select members.member_id, day.as_of_date - max(events.engaged_date) as days
    from staging.stg_members as members
    cross join staging.as_of_date as day
    left join labels.engagements as events on members.member_id = events.member_id and events.engaged_date < day.as_of_date
    group by members.member_id, day.as_of_date
)

select
    case
        when days is null then '5 never'
        when days <= 7 then '1 in the last week'
        when days <= 28 then '2 in the last four weeks'
        when days <= 90 then '3 in the last three months'
        else '4 earlier'
    end as last_engagement,
    count(*) as members
from last_days
group by last_engagement
order by last_engagement
