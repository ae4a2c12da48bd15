-- How many variants were tested, and how it ended (section 4); major is a significant lift of 10 % or more
with counts as (
    select 'variants tested' as measure, count(*) as ours
    from {{ ref('ledger') }}
    where verdict <> 'not tested'
    union all
    select 'significantly better', count(*)
    from {{ ref('ledger') }}
    where verdict = 'better'
    union all
    select 'major successes', count(*)
    from {{ ref('ledger') }}
    where verdict = 'better' and lift >= 0.1e0
    union all
    select 'significantly worse', count(*)
    from {{ ref('ledger') }}
    where verdict = 'worse'
)

select
    counts.measure,
    counts.ours,
    case
        when counts.measure = 'significantly better' then '15 to 20'
        else cast(cast(paper.value as integer) as varchar)
    end as paper
from counts
left join {{ ref('paper_values') }} as paper on paper.source = 'section 4' and counts.measure = paper.name
order by counts.ours desc, counts.measure
