-- what the profile says or lets infer; profiles carry no dates, so it holds from the beginning
with profile_terms as (
    select member_id, 'member_seniority' as feature, seniority as term
    from {{ ref('stg_members') }}
    union all
    select member_id, 'member_function' as feature, function as term
    from {{ ref('stg_members') }}
    union all
    select member_id, 'member_industry' as feature, industry as term
    from {{ ref('stg_members') }}
    union all
    select member_id, 'member_title' as feature, title as term
    from {{ ref('stg_members') }}
    union all
    select member_id, 'member_is_job_seeker' as feature, 'yes' as term
    from {{ ref('stg_members') }}
    where is_job_seeker
)

select
    {{ beginning() }} as feature_date,
    member_id,
    feature,
    term,
    cast(1 as double) as value
from profile_terms
where term is not null
