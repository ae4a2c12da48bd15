-- courses that members do not want to see; hidden at once, without a new build
select member_id, course_id, dismissed_at
from {{ ref('stg_dismissals') }}
