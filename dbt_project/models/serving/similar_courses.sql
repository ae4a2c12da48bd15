-- courses like each course, by which `recommend_session` orders a list anew
select course_id, similar_course_id, similarity
from {{ ref('course_similarities') }}
order by course_id, similar_course_id
