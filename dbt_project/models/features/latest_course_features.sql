-- features of courses on the day of the lists
with snapshots as (
    select course_id, family, max(feature_date) as feature_date
    from {{ ref('course_features') }}
    where feature_date <= {{ as_of_date() }}
    group by course_id, family
)

select features.course_id, features.feature, features.term, features.value
from {{ ref('course_features') }} as features
inner join snapshots using (course_id, family, feature_date)
where features.value <> 0
union all
select
    course_id,
    'course_age' as feature,
    '' as term,
    {{ course_age('released_date', as_of_date()) }} as value
from {{ ref('stg_courses') }}
where released_date is not null and released_date < {{ as_of_date() }}
