-- what is derived of a member and a course together
select steps.feature, steps.operation, steps.side, steps.left_feature, steps.right_feature, steps.depth
from {{ ref('transformations') }} as steps
where steps.side = 'interaction' and steps.feature in (select feature from {{ ref('explained_inputs') }})
