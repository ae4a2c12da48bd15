-- skills of the course by taxonomy
select
    {{ beginning() }} as feature_date,
    course_id,
    'course_skill' as feature,
    cast(skill_id as string) as term,
    weight as value
from {{ ref('cs01') }}
