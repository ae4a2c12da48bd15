-- features of each pair of a request and a course: what is stored of the two as it was known on that day, what compares or
-- crosses them, and what is derived of that
{{ config(day=day_of_number('pair_id')) }}
with pairs as (
    select distinct pair_id, request_id, course_day_id, member_id, course_id, served_date
    from {{ ref('example_keys') }}
    where {{ is_made_anew('served_date') }}
),

snapshots as (
    select pairs.pair_id, pairs.member_id, pairs.course_id, features.family, max(features.feature_date) as feature_date
    from pairs
    inner join {{ ref('interaction_features') }} as features
        on pairs.member_id = features.member_id
        and pairs.course_id = features.course_id
        and features.feature_date <= pairs.served_date
    where features.family in ({{ learned_families(ref('interaction_features')) }})
    group by pairs.pair_id, pairs.member_id, pairs.course_id, features.family
),

{{ compared_pairs('pairs', ref('request_features'), ref('course_day_features')) }},

given as (
    select pair_id, feature, term, value
    from compared
    union all
    select snapshots.pair_id, features.feature, features.term, features.value
    from snapshots
    inner join {{ ref('interaction_features') }} as features using (member_id, course_id, family, feature_date)
    where features.feature in (select feature from {{ ref('used_features') }} where is_learned)
),

{{ with_derived('pair_side', 'given', ['pair_id'], 'interaction') }}

select pair_id, feature, term, cast(value as double) as value
from pair_side
