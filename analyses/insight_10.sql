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
        and courses.released_date < {{ as_of_date() }}
        and courses.released_date >= {{ as_of_date() }} - 30
    group by places.variant
),

online as (
    {{ experiment_report('insight 10') | indent(4) }}
)

select
    printf('%.2f', without_boost.new_courses) as new_in_top_30,
    printf('%.2f', with_boost.new_courses) as moved_up,
    printf('x %.2f', with_boost.new_courses / without_boost.new_courses) as ratio,
    'x ' || cast((select value from {{ ref('paper_values') }} where source = 'insight 10') as varchar) as paper,
    online.lift,
    online.interval,
    online.p_value,
    online.true_lift,
    case when online.verdict = 'no significant change' then 'as in the paper: no significant change' else online.verdict end as verdict
from counts as with_boost
inner join counts as without_boost on with_boost.variant = 'm105_new_courses' and without_boost.variant = 'm105_history'
cross join online
{%- else %}
select 'these are your own tables: see `new_courses` for the lists that are served' as verdict
{%- endif %}
