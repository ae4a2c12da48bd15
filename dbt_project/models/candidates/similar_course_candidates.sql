-- courses like those the member engaged with in the 90 days up to the last engagement
with recent_courses as (
    select distinct engagements.member_id, engagements.course_id
    from {{ ref('engagements') }} as engagements
    inner join (
        select member_id, max(engaged_date) as last_date
        from {{ ref('engagements') }}
        where engaged_date < {{ as_of_date() }}
        group by member_id
    ) as last_engagements using (member_id)
    where engagements.engaged_date > last_engagements.last_date - 90 and engagements.engaged_date < {{ as_of_date() }}
),

similar_courses as (
    select
        recent_courses.member_id,
        similarities.similar_course_id as course_id,
        {{ exact_sum('similarities.similarity') }} as score
    from recent_courses
    inner join {{ ref('course_similarities') }} as similarities using (course_id)
    group by recent_courses.member_id, similarities.similar_course_id
)

select member_id, course_id, cast(round(score, 9) as double) as score
from similar_courses
qualify row_number() over (partition by member_id order by round(score, 9) desc, course_id)
    <= {{ (0.3 * var('candidates_per_member')) | int }}
