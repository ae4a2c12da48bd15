-- every named feature: what it is, where it comes from, the dates it covers
with stored as (
    select feature, family, min(feature_date) as first_date, max(feature_date) as last_date, count(*) as rows
    from {{ ref('member_features') }}
    group by feature, family
    union all
    select feature, family, min(feature_date) as first_date, max(feature_date) as last_date, count(*) as rows
    from {{ ref('course_features') }}
    group by feature, family
)

select
    features.feature,
    features.entity,
    features.kind,
    features.description,
    stored.family,
    stored.first_date,
    stored.last_date,
    cast(coalesce(stored.rows, 0) as bigint) as rows
from {{ ref('features') }} as features
left join stored using (feature)
