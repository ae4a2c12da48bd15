-- The score of a course for a member in a channel as a sum: a row per part, largest first, part = coefficient * value. It is
-- computed from the features of the day of the lists, for every course that can be recommended, in the member's list or not.
-- An unknown member, channel or course has no rows, nor has a variant of a learner that is not known here.
{{ config(materialized='table_function', parameters=['member', 'channel', 'course']) }}
-- the arguments get names of their own first: a caller's column `member_id` must not be taken for the record's
with asked as (
    select
        try_cast(member as {{ id_type() }}) as asked_member,
        cast(channel as varchar) as asked_channel,
        try_cast(course as {{ id_type() }}) as asked_course
),

request as (
    select
        members.treatments[asked.asked_channel] as variant,
        members.* exclude (member_id, treatments),
        courses.course_number,
        courses.terms as course_terms,
        courses.term_values as course_values,
        courses.effect_models as course_models,
        courses.effect_terms as course_effect_terms,
        courses.effect_coefficients as course_coefficients
    from asked
    inner join {{ served('explained_members') }} as members on asked.asked_member = members.member_id
    inner join {{ served('explained_courses') }} as courses on asked.asked_course = courses.course_id
),

models as (
    select models.*
    from request
    inner join {{ served('explained_models') }} as models using (variant)
),

-- features of the member, of the course, and stored of the two
stored as (
    select held.side, terms.feature, terms.term, coalesce(held.value, terms.value) as value
    from (
        select 'member' as side, unnest(terms) as term_number, unnest(term_values) as value
        from request
        union all
        select 'course' as side, unnest(course_terms) as term_number, unnest(course_values) as value
        from request
        union all
        select 'pair' as side, unnest(list_where(pair_terms, [number = course_number for number in pair_courses])) as term_number, null as value
        from request
    ) as held
    inner join {{ served('explained_terms') }} as terms using (term_number)
),

member_side as (select 1 as request_id, feature, term, value from stored where side = 'member'),

course_side as (select 1 as course_day_id, feature, term, value from stored where side = 'course'),

pairs as (select 1 as pair_id, 1 as request_id, 1 as course_day_id),

{{ compared_pairs('pairs', 'member_side', 'course_side', served('explained_steps')) }},

given as (
    select pair_id, feature, term, value from compared
    union all
    select 1 as pair_id, feature, term, value from stored where side = 'pair'
),

{{ with_derived('pair_side', 'given', ['pair_id'], 'interaction', served('explained_steps'), served('explained_buckets')) }},

design as {{ materialized() }} (
    select side, feature, term, value from stored where side <> 'pair'
    union all
    select 'pair' as side, feature, term, value from pair_side
    union all
    select 'any' as side, 'intercept' as feature, '' as term, 1.0e0 as value
),

-- a model per member reads what courses are, a model per course who members are
coefficients as {{ materialized() }} (
    select model, effect, entity_id, 'any' as reads, feature, term, coefficient
    from {{ served('explained_coefficients') }}
    where model in (select model from models)
    union all
    select own.model, own.effect, null as entity_id, own.reads, terms.feature, terms.term, own.coefficient
    from (
        select 'member' as effect, 'course' as reads, unnest(effect_models) as model, unnest(effect_terms) as term_number, unnest(effect_coefficients) as coefficient
        from request
        union all
        select 'course' as effect, 'member' as reads, unnest(course_models) as model, unnest(course_effect_terms) as term_number, unnest(course_coefficients) as coefficient
        from request
    ) as own
    inner join {{ served('explained_terms') }} as terms using (term_number)
),

weighed as {{ materialized() }} (
    select models.model, models.learner, models.factor, coefficients.effect, design.feature, design.term, design.value, coefficients.coefficient
    from models
    inner join coefficients using (model)
    inner join design
        on coefficients.feature = design.feature
        and coefficients.term = design.term
        and (coefficients.reads = design.side or 'any' in (coefficients.reads, design.side))
    where models.learner in ('logistic', 'glmix', 'blend', 'item_item')
),

-- A tree gives the value of the leaf all of whose ancestors send the pair its way: node p has the children 2p, for values up
-- to its threshold, and 2p + 1.
nodes as (
    select
        coefficients.model,
        cast(split_part(coefficients.entity_id, ':', 1) as integer) as tree,
        cast(split_part(coefficients.entity_id, ':', 2) as bigint) as place,
        coefficients.feature = '' as is_leaf,
        coefficients.coefficient,
        coalesce(design.value, 0) > coefficients.coefficient as goes_right
    from coefficients
    left join design using (feature, term)
    where coefficients.effect = 'tree' and coefficients.entity_id <> ''
),

left_leaves as (
    select leaves.model, leaves.tree, leaves.place
    from (
        select model, tree, place, unnest(range(1, 1 + cast(log2(place) as integer))) as height
        from nodes
        where is_leaf
    ) as leaves
    inner join nodes
        on leaves.model = nodes.model
        and leaves.tree = nodes.tree
        and leaves.place >> leaves.height = nodes.place
        and nodes.goes_right <> ((leaves.place >> (leaves.height - 1)) % 2 = 1)
),

wholes as (
    select model, ln(1 + sum(coefficient)) as value
    from weighed
    where learner = 'item_item'
    group by model
    union all
    select model, sum(coefficient) as value
    from (
        select nodes.model, nodes.coefficient
        from nodes
        anti join left_leaves using (model, tree, place)
        where nodes.is_leaf
        union all
        select model, coefficient
        from coefficients
        where effect = 'tree' and entity_id = ''
    ) as leaves
    group by model
),

skills as (
    select models.model, models.factor, member_side.feature, member_side.term, member_side.value, course_side.value as coefficient
    from models
    inner join member_side on models.member_skills = member_side.feature
    inner join course_side on models.course_skills = course_side.feature and member_side.term = course_side.term
),

parts as (
    select model, effect, feature, term, value, factor * coefficient as coefficient
    from weighed
    where learner <> 'item_item'
    union all
    select model, 'skill' as effect, feature, term, value, factor * coefficient as coefficient
    from skills
    union all
    select models.model, 'whole' as effect, models.model as feature, '' as term, coalesce(wholes.value, 0) as value, models.factor as coefficient
    from models
    left join wholes using (model)
    where models.learner in ('item_item', 'gradient_boosting')
    union all
    -- courses without a skill in common with the member follow by release
    select models.model, 'recency' as effect, course_side.feature, course_side.term, course_side.value, -models.factor as coefficient
    from models
    inner join course_side on course_side.feature = 'recency_rank'
    where models.learner = 'recency' or (models.learner = 'affinity' and models.model not in (select model from skills))
)

select
    models.variant,
    parts.model,
    parts.effect,
    parts.feature,
    parts.term,
    coalesce(skill_names.name, names.description) as description,
    parts.value,
    parts.coefficient,
    parts.coefficient * parts.value as part
from parts
inner join models using (model)
left join {{ served('feature_names') }} as names on parts.feature = names.feature
left join {{ served('skill_names') }} as skill_names on parts.effect = 'skill' and parts.term = cast(skill_names.skill_id as varchar)
order by abs(part) desc, parts.model, parts.effect, parts.feature, parts.term
