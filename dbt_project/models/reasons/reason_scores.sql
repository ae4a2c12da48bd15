{{ config(materialized='view') }}
-- the score of every reason for every recommended course it applies to
select member_id, course_id, best_position, reason, score, skill_id
from {{ ref('reason_skill_match') }}
union all
select member_id, course_id, best_position, reason, score, skill_id
from {{ ref('reason_interest_match') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_short_relevant') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_editors_pick') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_trending_title') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_trending_industry') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_trending_company') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_trending_globally') }}
union all
select member_id, course_id, best_position, reason, score, null as skill_id
from {{ ref('reason_popular') }}
