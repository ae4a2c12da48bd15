-- numbers for the (feature, term) pairs that members carry
select
    feature,
    term,
    cast(row_number() over (order by feature, term) - 1 as integer) as term_number
from (
    select distinct feature, term
    from {{ ref('scoring_member_features') }}
)
