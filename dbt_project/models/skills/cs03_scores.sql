-- the probability of every pair with features, by the one regression of cs03
with coefficients as (
    select
        max(case when feature = 'intercept' then coefficient end) as intercept,
        {%- for feature in cs03_feature_names() %}
        max(case when feature = '{{ feature }}' then coefficient end) as {{ feature }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('cs03_coefficients') }}
),

logits as (
    select
        features.course_id,
        features.skill_id,
        coefficients.intercept
        {%- for feature in cs03_feature_names() %}
        + features.{{ feature }} * coefficients.{{ feature }}
        {%- endfor %} as logit
    from {{ ref('cs03_features') }} as features
    cross join coefficients
    where coefficients.intercept is not null
)

select course_id, skill_id, cast(round(1 / (1 + exp(-logit)), 9) as double) as probability
from logits
