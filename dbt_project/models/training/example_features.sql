-- The features of each example as they were on its day: snapshots first, then equalities; crosses and dot products by
-- feature_transformations, the same code as for scoring.
with member_snapshots as (
    {{ snapshot_for('(select distinct member_id, served_date from ' ~ ref('examples') ~ ')', ref('member_features'), 'member_id', 'served_date') | trim }}
),

course_snapshots as (
    {{ snapshot_for('(select distinct course_id, served_date from ' ~ ref('examples') ~ ')', ref('course_features'), 'course_id', 'served_date') | trim }}
),

member_values as (
    select member_snapshots.member_id, member_snapshots.served_date, features.feature, features.term, features.value
    from member_snapshots
    inner join {{ ref('member_features') }} as features using (member_id, family, feature_date)
),

course_values as (
    select course_snapshots.course_id, course_snapshots.served_date, features.feature, features.term, features.value
    from course_snapshots
    inner join {{ ref('course_features') }} as features using (course_id, family, feature_date)
),

used_features as (
    select distinct feature
    from {{ ref('variant_features') }}
),

pairs as (
    select distinct member_id, course_id, served_date
    from {{ ref('examples') }}
),

{{ transformed_pairs('pairs', 'member_values', 'course_values', ['served_date']) }}

select examples.example_id, member_values.feature, member_values.term, cast(member_values.value as double) as value
from {{ ref('examples') }} as examples
inner join member_values using (member_id, served_date)
semi join used_features on member_values.feature = used_features.feature
where member_values.value <> 0
union all
select examples.example_id, course_values.feature, course_values.term, cast(course_values.value as double) as value
from {{ ref('examples') }} as examples
inner join course_values using (course_id, served_date)
semi join used_features on course_values.feature = used_features.feature
where course_values.value <> 0
union all
select examples.example_id, transformed_pairs.feature, transformed_pairs.term, cast(transformed_pairs.value as double) as value
from {{ ref('examples') }} as examples
inner join transformed_pairs using (member_id, course_id, served_date)
where transformed_pairs.value <> 0
union all
select
    examples.example_id,
    'course_age' as feature,
    '' as term,
    {{ course_age('courses.released_date', 'examples.served_date') }} as value
from {{ ref('examples') }} as examples
inner join {{ ref('stg_courses') }} as courses using (course_id)
where courses.released_date is null or courses.released_date < examples.served_date
