-- Table 3: the cold-start models, and the pair of mappings of each
select variant, learner, course_skills, member_skills, description
from {{ ref('variants') }}
where learner in ('recency', 'affinity')
order by variant
