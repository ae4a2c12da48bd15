{{ config(materialized='view') }}
-- every feature of members; a family's snapshot holds until the next one of the same member
select 'member_profile' as family, feature_date, member_id, feature, term, value
from {{ ref('member_profile_features') }}
union all
select 'member_skill' as family, feature_date, member_id, feature, term, value
from {{ ref('member_skill_features') }}
union all
select 'member_subscription' as family, feature_date, member_id, feature, term, value
from {{ ref('member_subscription_features') }}
union all
select 'member_activity' as family, feature_date, member_id, feature, term, value
from {{ ref('member_activity_features') }}
union all
select 'member_interest' as family, feature_date, member_id, feature, term, value
from {{ ref('member_interest_features') }}
union all
select 'member_history' as family, feature_date, member_id, feature, term, value
from {{ ref('member_history_features') }}
union all
select 'member_job' as family, feature_date, member_id, feature, term, value
from {{ ref('member_job_features') }}
