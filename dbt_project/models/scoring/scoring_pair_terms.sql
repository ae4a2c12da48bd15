-- numbers for the (feature, term) pairs that are stored of a member and a course
select
    feature,
    term,
    cast(row_number() over (order by feature, term) - 1 as integer) as term_number
from (
    select distinct feature, term
    from {{ ref('scoring_pair_features') }}
)
