-- no reason that applies is lost on the way to one scale
select member_id, course_id, reason
from {{ ref('reason_scores') }}
except
select member_id, course_id, reason
from {{ ref('scaled_reasons') }}
