-- The members whose lists of logistic regression and of GLMix are compared side by side (figure 9), as the scorer streams
-- them: a sample of those with skills in their profile and five engagements or more.
with compared_variants as (
    select {{ list_by_rank('variant', 'variant') }} as variants
    from {{ ref('variants') }}
    where variant in ('m105', 'glmix')
),

engaged_members as (
    select member_id
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }}
    group by member_id
    having count(*) >= 5
)

select
    groups.member_id,
    compared_variants.variants,
    groups.courses,
    groups.terms,
    groups.term_values,
    groups.pair_courses,
    groups.pair_terms,
    groups.pair_values
from {{ ref('scoring_groups') }} as groups
cross join compared_variants
semi join engaged_members on groups.member_id = engaged_members.member_id
semi join {{ ref('ms01') }} as profile_skills on groups.member_id = profile_skills.member_id
qualify row_number() over (order by {{ hash_bucket(['groups.member_id'], 'compared', 1000000) }}, groups.member_id) <= 2000
