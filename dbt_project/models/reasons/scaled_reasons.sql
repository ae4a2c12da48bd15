-- Scores of unlike reasons become comparable as inverted ranks (section 3.4, footnote 4); equal scores rank as the courses
-- are recommended.
select
    member_id,
    course_id,
    reason,
    skill_id,
    cast(1.0e0 / row_number() over (partition by member_id, reason order by round(score, 9) desc, best_position, course_id) as double) as scaled_score
from {{ ref('reason_scores') }}
