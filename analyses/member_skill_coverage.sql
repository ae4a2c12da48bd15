-- Section 3.2: members and skills that the member to skill mappings reach
select
    coverage.mapping,
    coverage.members_mapped,
    cast(round(coverage.member_coverage, 4) as varchar) as member_coverage,
    paper_values.value as paper_member_coverage,
    coverage.skills_mapped,
    cast(round(coverage.coverage, 4) as varchar) as skill_coverage
from {{ ref('skill_coverage') }} as coverage
left join {{ ref('paper_values') }} as paper_values
    on paper_values.source = 'section 3.2' and coverage.mapping = paper_values.name
where coverage.members_mapped is not null
order by coverage.mapping
