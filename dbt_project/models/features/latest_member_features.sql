-- features of members on the day of the lists
with snapshots as (
    select member_id, family, max(feature_date) as feature_date
    from {{ ref('member_features') }}
    where feature_date <= {{ as_of_date() }}
    group by member_id, family
)

select features.member_id, features.feature, features.term, features.value
from {{ ref('member_features') }} as features
inner join snapshots using (member_id, family, feature_date)
where features.value <> 0
