-- buckets of what is derived of a member and a course together
select buckets.feature, buckets.term, buckets.low, buckets.high
from {{ ref('feature_buckets') }} as buckets
semi join {{ ref('explained_steps') }} as steps using (feature)
