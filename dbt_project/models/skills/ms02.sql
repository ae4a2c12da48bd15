-- equation 1: weight = delta_profile * ms01 + delta_cohort * {title, industry} mapping; `source` says which part there is
with parts as (
    select member_id, skill_id, weight as profile_weight, 0.0e0 as cohort_weight
    from {{ ref('ms01') }}
    union all
    select members.member_id, cohort.skill_id, 0.0e0 as profile_weight, cohort.weight as cohort_weight
    from {{ ref('stg_members') }} as members
    inner join {{ ref('title_industry_skills') }} as cohort using (title, industry)
)

select
    member_id,
    skill_id,
    cast({{ var('delta_profile') }} * sum(profile_weight) + {{ var('delta_cohort') }} * sum(cohort_weight) as double) as weight,
    case
        when sum(cohort_weight) = 0 then 'profile'
        when sum(profile_weight) = 0 then 'title_industry'
        else 'both'
    end as source
from parts
group by member_id, skill_id
