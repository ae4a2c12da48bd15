-- The list of a member in a channel, re-ranked by the courses of the session: the place of a course is multiplied by
-- 1 - its similarity to the session's course that it is most like (0 for a course that is not among the 20 nearest of any).
-- Places, not scores: they mean the same whatever the variant. The session's own courses are left out.
{{ config(materialized='table_function', parameters=['member', 'channel', 'courses', 'top_k := 10']) }}
with visited as (
    select try_cast(unnest(cast(courses as varchar[])) as {{ id_type() }}) as visited_course
),

similarities as (
    select similar_courses.similar_course_id as course_id, max(similar_courses.similarity) as similarity
    from visited
    inner join {{ served('similar_courses') }} as similar_courses on visited.visited_course = similar_courses.course_id
    group by similar_courses.similar_course_id
),

ranked as (
    select
        list.*,
        row_number() over (
            order by list.position * (1 - least(coalesce(similarities.similarity, 0), 1)), list.position
        ) as session_position
    from {{ served('served_list') }}(member, channel) as list
    left join similarities on list.course_id = similarities.course_id
    anti join visited on list.course_id = visited.visited_course
)

select
    cast(ranked.session_position as integer) as position,
    ranked.course_id,
    ranked.title,
    ranked.reason,
    ranked.reason_text,
    ranked.score,
    ranked.variant
from (select try_cast(top_k as bigint) as asked_top_k) as asked
inner join ranked on ranked.session_position <= asked.asked_top_k
order by position
