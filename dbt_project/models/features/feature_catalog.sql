-- Every named feature: what it is, where it comes from, the dates it covers and for how many of its entity it has a value
-- on the day of the lists.
with stored as (
    select feature, family, min(feature_date) as first_date, max(feature_date) as last_date, count(*) as rows
    from {{ ref('member_features') }}
    group by feature, family
    union all
    select feature, family, min(feature_date) as first_date, max(feature_date) as last_date, count(*) as rows
    from {{ ref('course_features') }}
    group by feature, family
    union all
    select feature, 'interaction' as family, min(feature_date) as first_date, max(feature_date) as last_date, count(*) as rows
    from {{ ref('interaction_features') }}
    group by feature
),

latest as (
    select feature, count(distinct member_id) as entities
    from {{ ref('latest_member_features') }}
    group by feature
    union all
    select feature, count(distinct course_id) as entities
    from {{ ref('latest_course_features') }}
    group by feature
),

sizes as (
    select 'member' as entity, count(*) as entities
    from {{ ref('stg_members') }}
    union all
    select 'course' as entity, count(*) as entities
    from {{ ref('stg_courses') }}
)

select
    features.feature,
    features.entity,
    features.kind,
    features.description,
    cast(null as string) as expression,
    stored.family,
    stored.first_date,
    stored.last_date,
    cast(coalesce(stored.rows, 0) as bigint) as rows,
    case when sizes.entities > 0 then coalesce(latest.entities, 0) / cast(sizes.entities as double) end as share_non_empty
from {{ ref('features') }} as features
left join stored using (feature)
left join latest using (feature)
left join sizes using (entity)
union all
select
    declared.feature,
    transformations.side as entity,
    transformations.kind,
    declared.description,
    transformations.expression,
    cast(null as string) as family,
    cast(null as date) as first_date,
    cast(null as date) as last_date,
    cast(0 as bigint) as rows,
    cast(null as double) as share_non_empty
from {{ ref('transformations') }} as transformations
inner join {{ ref('feature_transformations') }} as declared using (feature)
