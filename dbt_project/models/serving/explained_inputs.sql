-- the features that each model reads, those they are derived of, and the skills that affinity compares
with recursive needed as (
    select distinct models.model, uses.feature
    from {{ ref('explained_models') }} as models
    inner join {{ ref('variant_features') }} as uses on models.model = uses.variant
    union
    select needed.model, unnest([steps.left_feature, steps.right_feature]) as feature
    from needed
    inner join {{ ref('transformations') }} as steps using (feature)
)

select model, feature
from needed
where feature is not null
union
select model, unnest([course_skills, member_skills]) as feature
from {{ ref('explained_models') }}
where learner = 'affinity'
