-- what is shown of a feature, and of a model whose score is no sum of features
select feature, description
from {{ ref('features') }}
union all
select feature, description
from {{ ref('feature_transformations') }}
union all
select variant, description
from {{ ref('variants') }}
union all
select 'intercept', 'What holds without any feature'
union all
select 'recency_rank', 'Place among the latest releases'
