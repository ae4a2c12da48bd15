-- features of members on the day of the lists, and what that day is
select member_id, feature, term, value
from {{ latest_features(ref('member_features'), ['member_id']) }}
union all
select member_id, 'day_of_week' as feature, {{ day_of_week(as_of_date()) }} as term, cast(1 as double) as value
from {{ ref('stg_members') }}
