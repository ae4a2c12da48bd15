-- What `explain` reads of a member, one record each: only what the models behind the member's variants read, and the
-- coefficients of the member's own models.
with member_models as (
    select distinct assignments.member_id, models.model
    from {{ ref('assignments') }} as assignments
    inner join {{ ref('explained_models') }} as models using (variant)
),

-- members with the same models read the same features
member_groups as (
    select member_id, models, cast(dense_rank() over (order by models) as integer) as group_number
    from (select member_id, {{ list_by_rank('model', 'model') }} as models from member_models group by member_id) as listed
),

group_inputs as (
    select distinct groups.group_number, inputs.feature
    from (select distinct group_number, unnest(models) as model from member_groups) as groups
    inner join {{ ref('explained_inputs') }} as inputs using (model)
),

held as (
    select member_id, feature, term, value
    from {{ ref('scoring_member_features') }}
    union all
    select member_id, mapping as feature, cast(skill_id as varchar) as term, weight as value
    from {{ ref('member_skills') }}
),

member_terms as (
    select
        held.member_id,
        {{ sorted_list({'term': 'terms.term_number', 'value': 'held.value'}) }} as terms
    from held
    inner join member_groups using (member_id)
    semi join group_inputs using (group_number, feature)
    inner join {{ ref('explained_terms') }} as terms using (feature, term)
    group by held.member_id
),

member_pairs as (
    select
        pairs.member_id,
        {{ sorted_list({'course': 'courses.course_number', 'term': 'terms.term_number'}) }} as pairs
    from {{ ref('scoring_pair_features') }} as pairs
    inner join member_groups using (member_id)
    semi join group_inputs using (group_number, feature)
    inner join {{ ref('candidate_courses') }} as courses using (course_id)
    inner join {{ ref('explained_terms') }} as terms using (feature, term, value)
    group by pairs.member_id
),

member_effects as (
    select
        member_models.member_id,
        {{ sorted_list({'model': 'coefficients.variant', 'term': 'terms.term_number', 'coefficient': 'coefficients.coefficient'}) }} as effects
    from {{ ref('coefficients') }} as coefficients
    inner join member_models
        on coefficients.variant = member_models.model
        and coefficients.entity_id = cast(member_models.member_id as varchar)
    inner join {{ ref('explained_terms') }} as terms using (feature, term)
    where coefficients.effect = 'member'
    group by member_models.member_id
),

member_treatments as (
    select member_id, {{ map_by_key('channel', 'variant') }} as treatments
    from {{ ref('assignments') }}
    group by member_id
)

select
    treatments.member_id,
    treatments.treatments,
    {{ fields_of('member_terms.terms', 'term') }} as terms,
    {{ fields_of('member_terms.terms', 'value') }} as term_values,
    {{ fields_of('member_pairs.pairs', 'course') }} as pair_courses,
    {{ fields_of('member_pairs.pairs', 'term') }} as pair_terms,
    {{ fields_of('member_effects.effects', 'model') }} as effect_models,
    {{ fields_of('member_effects.effects', 'term') }} as effect_terms,
    {{ fields_of('member_effects.effects', 'coefficient') }} as effect_coefficients
from member_treatments as treatments
left join member_terms using (member_id)
left join member_pairs using (member_id)
left join member_effects using (member_id)
order by treatments.member_id
