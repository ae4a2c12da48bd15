-- features of each course on the days it was shown, as they were known on that day, and what is derived of them
{{ config(day=day_of_number('course_day_id')) }}
with course_days as (
    select distinct course_day_id, course_id, served_date
    from {{ ref('example_keys') }}
),

snapshots as (
    {{ snapshot_for('course_days', ref('course_features'), 'course_id') | trim }}
),

given as (
    select snapshots.course_day_id, features.feature, features.term, features.value
    from snapshots
    inner join {{ ref('course_features') }} as features using (course_id, family, feature_date)
    where features.feature in (select feature from {{ ref('used_features') }} where is_learned)
    union all
    select
        course_days.course_day_id,
        'course_age' as feature,
        '' as term,
        {{ course_age('courses.released_date', 'course_days.served_date') }} as value
    from course_days
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where courses.released_date is null or courses.released_date < course_days.served_date
),

{{ with_derived('course_side', 'given', ['course_day_id'], 'course') }}

select course_day_id, feature, term, cast(value as double) as value
from course_side
