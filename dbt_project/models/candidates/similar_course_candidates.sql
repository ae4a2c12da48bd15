-- courses like those the member engaged with in the 90 days before
with recent_courses as (
    select distinct member_id, course_id
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }} and engaged_date >= {{ as_of_date() }} - 90
),

similar_courses as (
    select
        recent_courses.member_id,
        similarities.similar_course_id as course_id,
        sum(similarities.similarity) as score
    from recent_courses
    inner join {{ ref('course_similarities') }} as similarities using (course_id)
    group by recent_courses.member_id, similarities.similar_course_id
)

select member_id, course_id, cast(score as double) as score
from similar_courses
qualify row_number() over (partition by member_id order by round(score, 9) desc, course_id)
    <= {{ (0.3 * var('candidates_per_member')) | int }}
