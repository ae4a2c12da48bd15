-- nobody is left without a list; publication waits for this test
select member_id
from {{ ref('stg_members') }}
anti join {{ ref('recommendation_store') }} as store using (member_id)
