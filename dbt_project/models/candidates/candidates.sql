-- the courses scored for a member, a row each, and the pools that each came from
{{ config(materialized='view') }}
select
    listed.member_id,
    courses.course_id,
    ascii(listed.pools) & 1 > 0 as is_skill_affinity,
    ascii(listed.pools) & 2 > 0 as is_thinned_skill_affinity,
    ascii(listed.pools) & 4 > 0 as is_similar_to_engaged,
    courses.is_popular,
    courses.is_recent
from {{ list_rows(ref('candidate_lists'), ['member_id'], {'courses': 'course_number', letters_of('pools'): 'pools'}) }} as listed
inner join {{ ref('candidate_courses') }} as courses using (course_number)
