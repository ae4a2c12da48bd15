-- what is shown of a feature
select feature, description
from {{ ref('features') }}
union all
select feature, description
from {{ ref('feature_transformations') }}
