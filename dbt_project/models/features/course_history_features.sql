-- engagements of the course before the day, all of them, as log(1 + n); a snapshot on the day after each active day
with daily_counts as (
    select course_id, feature_date, sum(engagements) as engagements
    from {{ ref('daily_activity') }}
    where engagements > 0
    group by course_id, feature_date
)

select
    feature_date,
    course_id,
    'course_engagements' as feature,
    '' as term,
    cast(ln(1 + sum(engagements) over (partition by course_id order by feature_date)) as double) as value
from daily_counts
