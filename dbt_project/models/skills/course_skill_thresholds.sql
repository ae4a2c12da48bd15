-- the threshold with the best F1 on validation; of equal ones the highest
select mapping, threshold, precision, recall, f1
from {{ ref('course_skill_curve') }}
where split = 'validation'
qualify row_number() over (partition by mapping order by round(f1, 9) desc, threshold desc) = 1
