-- Every member and course that some assigned variant recommends, with its best position: the collection within which
-- reasons are ranked.
with positions as (
    select
        member_id,
        course_id,
        row_number() over (partition by variant, member_id order by score desc, course_id) as position
    from {{ ref('scores') }}
)

select member_id, course_id, cast(min(position) as integer) as best_position
from positions
group by member_id, course_id
