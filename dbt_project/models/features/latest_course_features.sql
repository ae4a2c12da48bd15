-- features of courses on the day of the lists
select course_id, feature, term, value
from {{ latest_features(ref('course_features'), ['course_id']) }}
union all
select
    course_id,
    'course_age' as feature,
    '' as term,
    {{ course_age('released_date', as_of_date()) }} as value
from {{ ref('stg_courses') }}
where released_date is null or released_date < {{ as_of_date() }}
