-- features of pairs of a member and a course on the day of the lists
{{ config(materialized='view') }}
select member_id, course_id, feature, term, value
from {{ latest_features(ref('interaction_features'), ['member_id', 'course_id']) }}
