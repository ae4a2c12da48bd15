-- numbers for what leads a member to courses: skills of the member, courses engaged with
with terms as (
    select 'skill' as kind, cast(skill_id as string) as term
    from {{ ref('cs01') }}
    union
    select 'skill' as kind, cast(skill_id as string) as term
    from {{ ref('cs03') }}
    union
    select 'course' as kind, cast(course_id as string) as term
    from {{ ref('course_similarities') }}
)

select kind, term, cast(row_number() over (order by kind, term) - 1 as integer) as term_number
from terms
