-- The features of each example as they were on its day: snapshots first, then equalities, then what is derived of them.
-- A request is a member's day and hour, with what is known of them.
with requests as (
    select distinct member_id, served_date, cast(extract(hour from served_at) as integer) as served_hour
    from {{ ref('examples') }}
),

pairs as (
    select distinct member_id, course_id, served_date, cast(extract(hour from served_at) as integer) as served_hour
    from {{ ref('examples') }}
),

member_snapshots as (
    {{ snapshot_for('(select distinct member_id, served_date from requests)', ref('member_features'), 'member_id', 'served_date') | trim }}
),

course_snapshots as (
    {{ snapshot_for('(select distinct course_id, served_date from pairs)', ref('course_features'), 'course_id', 'served_date') | trim }}
),

pair_snapshots as (
    select pairs.member_id, pairs.course_id, pairs.served_date, features.family, max(features.feature_date) as feature_date
    from (select distinct member_id, course_id, served_date from pairs) as pairs
    inner join {{ ref('interaction_features') }} as features
        on pairs.member_id = features.member_id
        and pairs.course_id = features.course_id
        and features.feature_date <= pairs.served_date
    group by pairs.member_id, pairs.course_id, pairs.served_date, features.family
),

member_given as materialized (
    select requests.member_id, requests.served_date, requests.served_hour, features.feature, features.term, features.value
    from member_snapshots
    inner join {{ ref('member_features') }} as features using (member_id, family, feature_date)
    inner join requests using (member_id, served_date)
    semi join {{ ref('used_features') }} as used on features.feature = used.feature
    union all
    select member_id, served_date, served_hour, 'day_of_week' as feature, {{ day_of_week('served_date') }} as term, 1.0e0 as value
    from requests
    where 'day_of_week' in (select feature from {{ ref('used_features') }})
    union all
    select member_id, served_date, served_hour, 'hour' as feature, cast(served_hour as varchar) as term, 1.0e0 as value
    from requests
    where 'hour' in (select feature from {{ ref('used_features') }})
),

course_given as materialized (
    select course_snapshots.course_id, course_snapshots.served_date, features.feature, features.term, features.value
    from course_snapshots
    inner join {{ ref('course_features') }} as features using (course_id, family, feature_date)
    semi join {{ ref('used_features') }} as used on features.feature = used.feature
    union all
    select
        course_days.course_id,
        course_days.served_date,
        'course_age' as feature,
        '' as term,
        {{ course_age('courses.released_date', 'course_days.served_date') }} as value
    from (select distinct course_id, served_date from pairs) as course_days
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where courses.released_date is null or courses.released_date < course_days.served_date
),

{{ with_derived('member_side', 'member_given', ['member_id', 'served_date', 'served_hour'], 'member') }},

{{ with_derived('course_side', 'course_given', ['course_id', 'served_date'], 'course') }},

{{ compared_pairs('pairs', 'member_side', 'course_side', ['served_date', 'served_hour'], ['served_date']) }},

pair_given as materialized (
    select member_id, course_id, served_date, served_hour, feature, term, value
    from compared
    union all
    select pairs.member_id, pairs.course_id, pairs.served_date, pairs.served_hour, features.feature, features.term, features.value
    from pair_snapshots
    inner join {{ ref('interaction_features') }} as features using (member_id, course_id, family, feature_date)
    inner join pairs using (member_id, course_id, served_date)
    semi join {{ ref('used_features') }} as used on features.feature = used.feature
),

{{ with_derived('pair_side', 'pair_given', ['member_id', 'course_id', 'served_date', 'served_hour'], 'interaction') }},

inputs as (
    select feature
    from {{ ref('used_features') }}
    where is_input
),

timed_examples as (
    select example_id, member_id, course_id, served_date, cast(extract(hour from served_at) as integer) as served_hour
    from {{ ref('examples') }}
)

select examples.example_id, features.feature, features.term, cast(features.value as double) as value
from timed_examples as examples
inner join member_side as features using (member_id, served_date, served_hour)
semi join inputs on features.feature = inputs.feature
union all
select examples.example_id, features.feature, features.term, cast(features.value as double) as value
from timed_examples as examples
inner join course_side as features using (course_id, served_date)
semi join inputs on features.feature = inputs.feature
union all
select examples.example_id, features.feature, features.term, cast(features.value as double) as value
from timed_examples as examples
inner join pair_side as features using (member_id, course_id, served_date, served_hour)
semi join inputs on features.feature = inputs.feature
