-- Courses drawn by hash, as many per positive as the label set says: beside its impressions, or for want of any. Released
-- by then and not engaged with by the member up to that day.
with positives as (
    select
        labels.label_set,
        labels.member_id,
        labels.course_id,
        labels.served_at,
        labels.served_date,
        case when label_windows.positives_from = 'engagements' then label_sets.negatives_per_engagement
            else label_sets.random_negatives
        end as negatives
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_windows') }} as label_windows using (label_set)
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where labels.label = 1
),

numbered_courses as (
    select course_id, row_number() over (order by released_date nulls first, course_id) - 1 as course_number
    from {{ ref('stg_courses') }}
),

released_counts as (
    select served_dates.served_date, count(*) as courses
    from (select distinct served_date from positives) as served_dates
    inner join {{ ref('stg_courses') }} as courses
        on courses.released_date is null or courses.released_date <= served_dates.served_date
    group by served_dates.served_date
),

draws as (
    select
        positives.label_set,
        positives.member_id,
        positives.course_id,
        positives.served_at,
        positives.served_date,
        {{ hash_bucket(['positives.label_set', 'positives.member_id', 'positives.course_id', 'positives.served_at', 'numbers.number'], 'random_negatives', 1000000007) }} as draw
    from positives
    cross join {{ numbers(100) }} as numbers
    where numbers.number < positives.negatives
),

drawn_courses as (
    select
        draws.label_set,
        draws.member_id,
        numbered_courses.course_id,
        min(draws.served_at) as served_at,
        draws.served_date
    from draws
    inner join released_counts using (served_date)
    inner join numbered_courses on draws.draw % released_counts.courses = numbered_courses.course_number
    group by draws.label_set, draws.member_id, numbered_courses.course_id, draws.served_date
)

select
    drawn_courses.label_set,
    drawn_courses.member_id,
    drawn_courses.course_id,
    drawn_courses.served_at,
    drawn_courses.served_date
from drawn_courses
anti join {{ ref('engagements') }} as engagements
    on drawn_courses.member_id = engagements.member_id
    and drawn_courses.course_id = engagements.course_id
    and engagements.engaged_date <= drawn_courses.served_date
