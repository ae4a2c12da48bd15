-- What a member engaged with in the 90 days up to the last engagement: shares of skills and of categories. A snapshot on
-- the day after each engagement; it holds until the next one, since somebody who comes back has the interests of before.
{{ config(day='feature_date') }}
{%- set window_days = 90 %}
with engaged_courses as (
    select distinct member_id, course_id, feature_date - 1 as engaged_date
    from {{ ref('daily_activity') }}
    where engagements > 0
),

course_terms as (
    select course_id, 'member_interest' as feature, cast(skill_id as string) as term, weight
    from {{ ref('cs01') }}
    union all
    select course_id, 'member_category' as feature, cast(category_id as string) as term, 1.0e0 as weight
    from {{ ref('stg_course_categories') }}
),

snapshot_dates as (
    select distinct member_id, engaged_date + 1 as feature_date
    from engaged_courses
    where {{ is_made_anew('engaged_date + 1') }}
),

window_terms as (
    select
        snapshot_dates.feature_date,
        snapshot_dates.member_id,
        course_terms.feature,
        course_terms.term,
        {{ exact_sum('course_terms.weight') }} as weight
    from snapshot_dates
    inner join engaged_courses
        on snapshot_dates.member_id = engaged_courses.member_id
        and engaged_courses.engaged_date < snapshot_dates.feature_date
        and engaged_courses.engaged_date >= snapshot_dates.feature_date - {{ window_days }}
    inner join course_terms on engaged_courses.course_id = course_terms.course_id
    group by snapshot_dates.feature_date, snapshot_dates.member_id, course_terms.feature, course_terms.term
)

select
    cast(feature_date as date) as feature_date,
    member_id,
    feature,
    term,
    cast(round(weight / sum(cast(weight as decimal(38, 12))) over (partition by feature_date, member_id, feature), 12) as double) as value
from window_terms
