-- The score of the first course of a member on the feed as a sum of parts, the largest first: put a member and a course in
-- place of the first ones. `value` is of the feature, `coefficient` of the model; the parts add up to the score.
with asked as (
    select member_id, course_id
    from serving.recommendations
    where channel = 'feed' and position = 1
    order by member_id
    limit 1
)

select parts.description, parts.term, parts.effect, parts.value, parts.coefficient, round(parts.part, 4) as part
from asked, serving.explain(asked.member_id, 'feed', asked.course_id) as parts
order by abs(parts.part) desc, parts.feature, parts.term
