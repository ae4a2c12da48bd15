-- Scores of unlike reasons become comparable as inverted ranks (section 3.4, footnote 4); equal scores rank as the courses
-- are recommended.
select
    reason_scores.member_id,
    reason_scores.course_id,
    reason_scores.reason,
    reason_scores.skill_id,
    cast(1.0e0 / row_number() over (
        partition by reason_scores.member_id, reason_scores.reason
        order by round(reason_scores.score, 9) desc, pairs.best_position, reason_scores.course_id
    ) as double) as scaled_score
from {{ ref('reason_scores') }} as reason_scores
inner join {{ ref('recommended_pairs') }} as pairs using (member_id, course_id)
