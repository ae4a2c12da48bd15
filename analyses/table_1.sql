-- Table 1: skill coverage of the course to skill mappings
select
    coverage.mapping,
    coverage.skills_mapped,
    coverage.skills_total,
    cast(round(coverage.coverage, 4) as varchar) as coverage,
    paper_values.value as paper
from {{ ref('skill_coverage') }} as coverage
left join {{ ref('paper_values') }} as paper_values
    on paper_values.source = 'table 1' and coverage.mapping = paper_values.name
where coverage.members_mapped is null
order by coverage.mapping
