-- stored features of pairs on the day of the lists that variants use
-- Not read, but it runs while glmix is learned, which leaves a processor idle; depends_on: {{ ref('mixed_examples') }}
select features.member_id, features.course_id, features.feature, features.term, cast(features.value as double) as value
from {{ ref('latest_interaction_features') }} as features
semi join {{ ref('used_features') }} as used on features.feature = used.feature
semi join {{ ref('candidate_courses') }} as courses on features.course_id = courses.course_id
