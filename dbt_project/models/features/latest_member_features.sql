-- features of members on the day of the lists
select member_id, feature, term, value
from {{ latest_features(ref('member_features'), 'member_id') }}
