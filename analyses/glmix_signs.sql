-- What the models per member and per course of glmix learned: coefficients of the categories that a member clicked more, and
-- less, than m105 expected of what the member was shown; of courses likewise, by the function of those they were shown to
with expected as (
    select
        variant,
        cast(member_id as varchar) as member_entity,
        cast(course_id as varchar) as course_entity,
        request_id,
        course_day_id,
        weight * label as clicks,
        weight / (1 + exp(-global_logit)) as expected_clicks
    from {{ ref('mixed_examples') }}
    where variant = 'glmix' and split = 'train'
),

surprises as (
    select
        expected.variant,
        'member' as effect,
        expected.member_entity as entity_id,
        features.feature,
        features.term,
        sum(expected.clicks) - sum(expected.expected_clicks) as surprise
    from expected
    inner join {{ ref('course_day_features') }} as features using (course_day_id)
    where features.feature = 'course_category'
    group by expected.variant, expected.member_entity, features.feature, features.term
    union all
    select
        expected.variant,
        'course' as effect,
        expected.course_entity as entity_id,
        features.feature,
        features.term,
        sum(expected.clicks) - sum(expected.expected_clicks) as surprise
    from expected
    inner join {{ ref('request_features') }} as features using (request_id)
    where features.feature = 'member_function'
    group by expected.variant, expected.course_entity, features.feature, features.term
)

select
    effect,
    feature,
    case when surprise > 0 then 'more' else 'less' end as clicked,
    count(*) as coefficients,
    round(100 * avg(case when sign(coefficient) = sign(surprise) then 1.0e0 else 0 end), 1) || ' %' as sign_agrees,
    printf('%+.4f', avg(coefficient)) as mean_coefficient
from surprises
inner join {{ ref('coefficients') }} as coefficients using (variant, effect, entity_id, feature, term)
group by effect, feature, surprise > 0
order by effect desc, clicked desc
