{{ config(materialized='view') }}
-- the features of each example as they were on its day: those of its request, of its course and of the pair
with inputs as (
    select feature
    from {{ ref('used_features') }}
    where is_input
)

{% for table, key in (('request_features', 'request_id'), ('course_day_features', 'course_day_id'), ('pair_features', 'pair_id')) -%}
select keys.example_id, features.feature, features.term, features.value
from {{ ref('example_keys') }} as keys
inner join {{ ref(table) }} as features using ({{ key }})
semi join inputs on features.feature = inputs.feature
{{ 'union all' if not loop.last }}
{% endfor %}