-- What members see: who has a list, how much of the catalogue and which reasons are in the first ten places, and how new courses
-- fare in the first thirty
with shown as {{ materialized() }} (
    select assignments.channel, assignments.member_id, scores.course_id, scores.position, best_reasons.reason
    from {{ ref('assignments') }} as assignments
    inner join {{ ref('scores') }} as scores using (member_id, variant)
    inner join {{ ref('best_reasons') }} as best_reasons
        on scores.member_id = best_reasons.member_id and scores.course_id = best_reasons.course_id
    where scores.position <= 30
),

courses as (
    select
        course_id,
        case when {{ is_new_course('released_date') }} then 1.0e0 else 0 end as is_new
    from {{ ref('stg_courses') }}
    where released_date is null or released_date < {{ as_of_date() }}
),

new_shares as (
    select channel, avg(is_new) as share
    from shown
    inner join courses using (course_id)
    group by channel
)

select
    'members_without_list' as check_name,
    channels.channel as subject,
    cast((select count(*) from {{ ref('stg_members') }}) - count(distinct shown.member_id) as double) as value
from (select distinct channel from {{ ref('treatments') }} where share > 0) as channels
left join shown on channels.channel = shown.channel
group by channels.channel
union all
select
    'courses_in_top_10' as check_name,
    'all' as subject,
    round(avg(case when course_id in (select course_id from shown where position <= 10) then 1.0e0 else 0 end), 9) as value
from courses
union all
select
    'reason_share' as check_name,
    reason as subject,
    cast(round(count(*) / sum(cast(count(*) as double)) over (), 9) as double) as value
from shown
where position <= 10
group by reason
union all
select
    'new_course_exposure' as check_name,
    channel as subject,
    round(share / nullif((select avg(is_new) from courses), 0), 9) as value
from new_shares
