-- every feature of courses; a family's snapshot holds until the next one of the same course
select 'course_catalog' as family, feature_date, course_id, feature, term, value
from {{ ref('course_catalog_features') }}
union all
select 'course_skill' as family, feature_date, course_id, feature, term, value
from {{ ref('course_skill_features') }}
union all
select 'course_activity' as family, feature_date, course_id, feature, term, value
from {{ ref('course_activity_features') }}
union all
select 'course_history' as family, feature_date, course_id, feature, term, value
from {{ ref('course_history_features') }}
union all
select 'course_transcript' as family, feature_date, course_id, feature, term, value
from {{ ref('course_transcript_features') }}
