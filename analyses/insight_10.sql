-- Insight 10: new courses moved up: how many of the first 30 places go to courses of the last 30 days, with and without, and what
-- it does to the click rate on the feed. The paper: twice as many, no significant change.
{%- if var('raw_location') == '' %}
with places as (
    select
        slates.variant,
        slates.member_id,
        numbers.course_id
    from {{ list_rows('(select variant, member_id, ' ~ first_entries('courses', 30) ~ ' as first_courses from ' ~ ref('experiment_slates') ~ ') as lists', ['variant', 'member_id'], {'first_courses': 'course_number'}) }} as slates
    inner join {{ ref('candidate_courses') }} as numbers using (course_number)
    where slates.variant in ('m105_history', 'm105_new_courses')
),

counts as (
    select
        places.variant,
        count(courses.course_id) / cast(count(distinct places.member_id) as double) as new_courses
    from places
    left join {{ ref('stg_courses') }} as courses
        on places.course_id = courses.course_id
        and {{ is_new_course('courses.released_date') }}
    group by places.variant
),

online as (
    {{ experiment_report('insight 10') | indent(4) }}
)

select
    printf('%.2f to %.2f', without_boost.new_courses, with_boost.new_courses) as new_in_top_30,
    printf('x %.2f (paper x %.0f)', with_boost.new_courses / without_boost.new_courses, paper.value) as ratio,
    online.lift,
    online.p_value,
    online.true_lift,
    case
        when with_boost.new_courses < 1.8e0 * without_boost.new_courses or online.verdict <> 'not significant' then 'not as in the paper'
        else 'as in the paper'
    end as verdict
from counts as with_boost
inner join counts as without_boost on with_boost.variant = 'm105_new_courses' and without_boost.variant = 'm105_history'
cross join online
left join {{ ref('paper_values') }} as paper on paper.source = 'insight 10'
{%- else %}
select 'these are your own tables: see `new_courses` for the lists that are served' as verdict
{%- endif %}
