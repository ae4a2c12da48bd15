-- what is shown of a reason
select reason, text
from {{ ref('reasons') }}
