-- What members see: who has a list, how much of the catalogue and which reasons are in the first ten places, and how new courses
-- fare in the first thirty
with shown as {{ materialized() }} (
    select
        channel,
        course_id,
        reason,
        case when position <= 10 then 1 else 0 end as is_in_top_10,
        count(*) as places,
        sum(case when position = 1 then 1 else 0 end) as lists
    from {{ ref('first_places') }}
    group by channel, course_id, reason, case when position <= 10 then 1 else 0 end
),

courses as (
    select
        course_id,
        case when {{ is_new_course('released_date') }} then 1.0e0 else 0 end as is_new
    from {{ ref('stg_courses') }}
    where released_date is null or released_date < {{ as_of_date() }}
),

new_shares as (
    select channel, sum(is_new * places) / sum(places) as share
    from shown
    inner join courses using (course_id)
    group by channel
)

select
    'members_without_list' as check_name,
    channels.channel as subject,
    cast((select count(*) from {{ ref('stg_members') }}) - coalesce(sum(shown.lists), 0) as double) as value
from (select distinct channel from {{ ref('treatments') }} where share > 0) as channels
left join shown on channels.channel = shown.channel
group by channels.channel
union all
select
    'courses_in_top_10' as check_name,
    'all' as subject,
    round(avg(case when course_id in (select course_id from shown where is_in_top_10 = 1) then 1.0e0 else 0 end), 9) as value
from courses
union all
select
    'reason_share' as check_name,
    reason as subject,
    cast(round(sum(places) / sum(cast(sum(places) as double)) over (), 9) as double) as value
from shown
where is_in_top_10 = 1
group by reason
union all
select
    'new_course_exposure' as check_name,
    channel as subject,
    round(share / nullif((select avg(is_new) from courses), 0), 9) as value
from new_shares
