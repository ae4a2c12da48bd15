-- skills of the profile
select
    {{ beginning() }} as feature_date,
    member_id,
    'member_skill' as feature,
    cast(skill_id as string) as term,
    weight as value
from {{ ref('ms01') }}
