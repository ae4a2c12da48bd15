-- The values of a stored feature as they were known on a day: `from features.features_as_of('course_popularity', date '2024-02-01')`.
{{ config(materialized='table_function', persist_docs={}, parameters=['feature_name', 'as_of']) }}
-- the arguments get names of their own first: a caller's column must not be taken for the tables'
with asked as (
    select cast(feature_name as varchar) as asked_feature, cast(as_of as date) as asked_date
),

stored as (
    select family, feature_date, member_id, cast(null as {{ var('id_type') }}) as course_id, feature, term, value
    from {{ ref('member_features') }}
    union all
    select family, feature_date, cast(null as {{ var('id_type') }}) as member_id, course_id, feature, term, value
    from {{ ref('course_features') }}
    union all
    select family, feature_date, member_id, course_id, feature, term, value
    from {{ ref('interaction_features') }}
),

families as (
    select distinct stored.family, stored.member_id is not null as is_of_members, stored.course_id is not null as is_of_courses
    from stored
    inner join asked on stored.feature = asked.asked_feature
),

snapshots as (
    select stored.family, stored.member_id, stored.course_id, max(stored.feature_date) as feature_date
    from stored
    inner join families
        on stored.family = families.family
        and (stored.member_id is not null) = families.is_of_members
        and (stored.course_id is not null) = families.is_of_courses
    inner join asked on stored.feature_date <= asked.asked_date
    group by stored.family, stored.member_id, stored.course_id
)

select stored.member_id, stored.course_id, stored.term, stored.value, stored.feature_date
from stored
inner join snapshots
    on stored.family = snapshots.family
    and stored.feature_date = snapshots.feature_date
    and stored.member_id is not distinct from snapshots.member_id
    and stored.course_id is not distinct from snapshots.course_id
inner join asked on stored.feature = asked.asked_feature
where stored.value <> 0
