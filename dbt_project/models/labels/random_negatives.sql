-- Courses drawn by hash, as many per positive as the label set says: beside its impressions, or for want of any. Drawn from
-- the courses released by then, or from the engagements before then; never what the member engaged with up to that day.
{{ config(day='served_date') }}
with positives as (
    select
        labels.label_set,
        labels.member_id,
        labels.course_id,
        labels.served_at,
        labels.served_date,
        case when label_windows.positives_from = 'engagements' then label_sets.negatives_per_engagement
            else label_sets.random_negatives
        end as negatives,
        label_sets.negatives_drawn
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_windows') }} as label_windows using (label_set)
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where labels.label = 1
),

-- what is drawn from, in order of time, so that what was there on a day comes first
urns as (
    select
        'uniform' as negatives_drawn,
        course_id,
        coalesce(released_date, {{ beginning() }}) as since_date,
        row_number() over (order by released_date nulls first, course_id) - 1 as place
    from {{ ref('stg_courses') }}
    union all
    select
        'popularity' as negatives_drawn,
        course_id,
        engaged_date + 1 as since_date,
        row_number() over (order by engaged_at, member_id, course_id, action) - 1 as place
    from {{ ref('engagements') }}
    where 'popularity' in (select negatives_drawn from positives)
),

urn_sizes as (
    select days.negatives_drawn, days.served_date, count(*) as places
    from (select distinct negatives_drawn, served_date from positives) as days
    inner join urns on days.negatives_drawn = urns.negatives_drawn and urns.since_date <= days.served_date
    group by days.negatives_drawn, days.served_date
),

draws as (
    select
        positives.label_set,
        positives.member_id,
        positives.course_id,
        positives.served_at,
        positives.served_date,
        positives.negatives_drawn,
        {{ hash_bucket(['positives.label_set', 'positives.member_id', 'positives.course_id', 'positives.served_at', 'numbers.number'], 'random_negatives', 1000000007) }} as draw
    from positives
    cross join {{ numbers(100) }} as numbers
    where numbers.number < positives.negatives
),

drawn_courses as (
    select
        draws.label_set,
        draws.member_id,
        urns.course_id,
        min(draws.served_at) as served_at,
        draws.served_date
    from draws
    inner join urn_sizes using (negatives_drawn, served_date)
    inner join urns on draws.negatives_drawn = urns.negatives_drawn and draws.draw % urn_sizes.places = urns.place
    group by draws.label_set, draws.member_id, urns.course_id, draws.served_date
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
