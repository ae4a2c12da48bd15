-- the meta-reason, which applies everywhere: the mean of the scaled scores of all other reasons
{{ config(materialized='view') }}
select member_id, course_id, 'recommended_for_you' as reason, combined_score as score
from {{ ref('best_reasons') }}
