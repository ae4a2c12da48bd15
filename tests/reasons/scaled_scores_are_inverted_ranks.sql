-- for every member the courses of a reason have the scaled scores 1, 1/2, ..., 1/n
select member_id, reason
from {{ ref('scaled_reasons') }}
group by member_id, reason
having max(scaled_score) <> 1
    or abs(min(scaled_score) * count(*) - 1) > 0.000000001
    or count(distinct scaled_score) <> count(*)
