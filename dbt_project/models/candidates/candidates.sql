-- The courses scored for a member, and the pools each came from: the member's own first, then what everybody gets, up to
-- candidates_per_member.
with own_courses as (
    select member_id, course_id, bool_or(is_skill_affinity) as is_skill_affinity, bool_or(not is_skill_affinity) as is_similar
    from (
        select member_id, course_id, true as is_skill_affinity
        from {{ ref('affinity_candidates') }}
        union all
        select member_id, course_id, false as is_skill_affinity
        from {{ ref('similar_course_candidates') }}
    )
    group by member_id, course_id
),

shared_courses as (
    select members.member_id, shared.course_id, shared.shared_rank
    from {{ ref('stg_members') }} as members
    cross join {{ ref('shared_candidates') }} as shared
    anti join own_courses on members.member_id = own_courses.member_id and shared.course_id = own_courses.course_id
),

merged as (
    select member_id, course_id, 0 as shared_rank, is_skill_affinity, is_similar
    from own_courses
    union all
    select member_id, course_id, shared_rank, false as is_skill_affinity, false as is_similar
    from shared_courses
),

kept as (
    select member_id, course_id, is_skill_affinity, is_similar
    from merged
    qualify row_number() over (partition by member_id order by shared_rank, course_id) <= {{ var('candidates_per_member') }}
)

select
    kept.member_id,
    kept.course_id,
    kept.is_skill_affinity,
    kept.is_similar as is_similar_to_engaged,
    coalesce(shared.is_popular, false) as is_popular,
    coalesce(shared.is_recent, false) as is_recent
from kept
left join {{ ref('shared_candidates') }} as shared using (course_id)
