-- what most members engaged with in the last 28 days
with engaged_members as (
    select course_id, count(distinct member_id) as members
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }} and engaged_date >= {{ as_of_date() }} - 28
    group by course_id
),

leading_courses as (
    select course_id, members
    from engaged_members
    qualify row_number() over (order by members desc, course_id) <= {{ leading_courses_of_a_reason() }}
)

select
    pairs.member_id,
    pairs.course_id,
    pairs.best_position,
    'popular' as reason,
    cast(leading_courses.members as double) as score
from {{ ref('recommended_pairs') }} as pairs
inner join leading_courses using (course_id)
