-- features of the member and of the moment of each request, as they were known on its day, and what is derived of them
{{ config(day=day_of_number('request_id')) }}
with requests as (
    select distinct request_id, member_id, served_date, served_hour
    from {{ ref('example_keys') }}
    where {{ is_made_anew('served_date') }}
),

snapshots as (
    {{ snapshot_for('requests', ref('member_features'), 'member_id') | trim }}
),

given as (
    select snapshots.request_id, features.feature, features.term, features.value
    from snapshots
    inner join {{ ref('member_features') }} as features using (member_id, family, feature_date)
    where features.feature in (select feature from {{ ref('used_features') }} where is_learned)
    union all
    select request_id, 'day_of_week' as feature, {{ day_of_week('served_date') }} as term, 1.0e0 as value
    from requests
    where 'day_of_week' in (select feature from {{ ref('used_features') }} where is_learned)
    union all
    select request_id, 'hour' as feature, cast(served_hour as string) as term, 1.0e0 as value
    from requests
    where 'hour' in (select feature from {{ ref('used_features') }} where is_learned)
),

{{ with_derived('member_side', 'given', ['request_id'], 'member') }}

select request_id, feature, term, cast(value as double) as value
from member_side
