-- The top list of every variant, for the members it is assigned to, in rows. Lists that stand as they were made are not
-- written a second time.
{{ config(materialized='view') }}
select
    listed.variant,
    listed.member_id,
    courses.course_id,
    cast(round(listed.score, 9) as double) as score,
    cast(listed.position as integer) as position,
    false as is_boosted
from {{ list_rows(ref('settled_lists'), ['variant', 'member_id'], {'courses': 'course_number', 'scores': 'score', 'positions': 'position'}) }} as listed
inner join {{ ref('candidate_courses') }} as courses using (course_number)
union all
select variant, member_id, course_id, score, position, is_boosted
from {{ ref('unsettled_scores') }}
