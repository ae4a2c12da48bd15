{{ config(materialized='view') }}
-- What the random effects of each variant read: a member's of the course on the day, a course's of the request.
select variant_features.variant, variant_features.effect, features.course_day_id as key_id, features.feature, features.term, features.value
from {{ ref('variant_features') }} as variant_features
inner join {{ ref('course_day_features') }} as features using (feature)
where variant_features.effect = 'member'
union all
select variant_features.variant, variant_features.effect, features.request_id as key_id, features.feature, features.term, features.value
from {{ ref('variant_features') }} as variant_features
inner join {{ ref('request_features') }} as features using (feature)
where variant_features.effect = 'course'
