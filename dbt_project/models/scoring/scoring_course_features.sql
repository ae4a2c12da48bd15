-- features of courses on the day of the lists that variants use, and what is derived of them
with given as (
    select features.course_id, features.feature, features.term, features.value
    from {{ ref('latest_course_features') }} as features
    semi join {{ ref('used_features') }} as used on features.feature = used.feature
),

{{ with_derived('course_side', 'given', ['course_id'], 'course') }}

select course_id, feature, term, cast(value as double) as value
from course_side
