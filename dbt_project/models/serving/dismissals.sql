-- courses that members do not want to see; `recommend` leaves them out, whatever the day of the lists
select member_id, course_id, dismissed_at
from {{ ref('stg_dismissals') }}
