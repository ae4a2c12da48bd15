-- features of members on the day of the lists that variants use, and what is derived of them
with given as (
    select features.member_id, features.feature, features.term, features.value
    from {{ ref('latest_member_features') }} as features
    semi join {{ ref('used_features') }} as used on features.feature = used.feature
),

{{ with_derived('member_side', 'given', ['member_id'], 'member') }}

select member_id, feature, term, cast(value as double) as value
from member_side
