-- the courses scored for a member, and the pools each came from
with pooled as (
    select member_id, course_id, 'skill_affinity' as pool
    from {{ ref('affinity_candidates') }}
    union all
    select member_id, course_id, 'similar_to_engaged' as pool
    from {{ ref('similar_course_candidates') }}
    union all
    select members.member_id, shared.course_id, shared.pool
    from {{ ref('stg_members') }} as members
    cross join {{ ref('shared_candidates') }} as shared
)

select
    member_id,
    course_id,
    bool_or(pool = 'skill_affinity') as is_skill_affinity,
    bool_or(pool = 'similar_to_engaged') as is_similar_to_engaged,
    bool_or(pool = 'popular') as is_popular,
    bool_or(pool = 'recent') as is_recent
from pooled
group by member_id, course_id
