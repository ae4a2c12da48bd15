-- The score of a course for a member in a channel as a sum: a row per part, largest first, part = coefficient * value. The
-- score is computed from the features of the day of the lists, whether the course is in the member's list or not. An
-- unknown member, channel or course has no rows.
{{ config(materialized='table_function', persist_docs={}, parameters=['member', 'channel', 'course']) }}
-- the arguments get names of their own first: a caller's column `member_id` must not be taken for the record's
with asked as (
    select
        try_cast(member as {{ var('id_type') }}) as asked_member,
        cast(channel as varchar) as asked_channel,
        try_cast(course as {{ var('id_type') }}) as asked_course
),

request as (
    select records.*, courses.course_id, courses.course_number, courses.terms as course_terms, courses.term_values as course_values
    from asked
    inner join {{ served('explained_members') }} as records on asked.asked_member = records.member_id
    inner join {{ served('explained_courses') }} as courses on asked.asked_course = courses.course_id
    where asked.asked_channel in (select unnest(map_keys(records.treatments)))
),

models as (
    select models.*
    from asked
    cross join request
    inner join {{ served('explained_models') }} as models on request.treatments[asked.asked_channel] = models.variant
),

member_side as (
    select 1 as request_id, terms.feature, terms.term, held.value
    from (select unnest(terms) as term_number, unnest(term_values) as value from request) as held
    inner join {{ served('explained_terms') }} as terms using (term_number)
),

course_side as (
    select 1 as course_day_id, terms.feature, terms.term, held.value
    from (select unnest(course_terms) as term_number, unnest(course_values) as value from request) as held
    inner join {{ served('explained_terms') }} as terms using (term_number)
),

pairs as (
    select 1 as pair_id, 1 as request_id, 1 as course_day_id
    from request
),

{{ compared_pairs('pairs', 'member_side', 'course_side', served('explained_steps')) }},

given as (
    select pair_id, feature, term, value
    from compared
    union all
    select 1 as pair_id, terms.feature, terms.term, terms.value
    from (select course_number, unnest(pair_courses) as pair_course, unnest(pair_terms) as term_number from request) as stored
    inner join {{ served('explained_terms') }} as terms using (term_number)
    where stored.pair_course = stored.course_number
),

{{ with_derived('pair_side', 'given', ['pair_id'], 'interaction', served('explained_steps'), served('explained_buckets')) }},

design as materialized (
    select 'member' as side, feature, term, value from member_side
    union all
    select 'course' as side, feature, term, value from course_side
    union all
    select 'pair' as side, feature, term, value from pair_side
    union all
    select 'intercept' as side, 'intercept' as feature, '' as term, 1.0e0 as value from request
),

coefficients as materialized (
    select models.learner, models.factor, coefficients.*
    from models
    cross join request
    inner join {{ served('explained_coefficients') }} as coefficients
        on models.model = coefficients.model
        and (coefficients.effect <> 'course' or coefficients.entity_id = cast(request.course_id as varchar))
    union all
    select models.learner, models.factor, own.model, 'member' as effect, cast(own.member_id as varchar) as entity_id, terms.feature, terms.term, own.coefficient
    from models
    inner join (
        select member_id, unnest(effect_models) as model, unnest(effect_terms) as term_number, unnest(effect_coefficients) as coefficient
        from request
    ) as own using (model)
    inner join {{ served('explained_terms') }} as terms using (term_number)
),

-- a model per member reads what courses are, a model per course who members are
sums as (
    select coefficients.model, coefficients.effect, coefficients.feature, coefficients.term, design.value, coefficients.factor * coefficients.coefficient as coefficient
    from coefficients
    inner join design using (feature, term)
    where coefficients.effect in ('global', 'blend')
        or (coefficients.effect = 'member' and design.side in ('course', 'intercept'))
        or (coefficients.effect = 'course' and coefficients.learner = 'glmix' and design.side in ('member', 'intercept'))
),

-- courses that come together with those the member engaged with
similarities as (
    select ln(1 + coalesce(sum(coefficients.coefficient), 0)) as value
    from coefficients
    inner join member_side using (feature, term)
    where coefficients.learner = 'item_item'
),

-- A tree gives the value of the leaf all of whose ancestors send the pair its way: node p has the children 2p, where the
-- value is at most the threshold, and 2p + 1.
nodes as (
    select
        cast(split_part(entity_id, ':', 1) as integer) as tree,
        cast(split_part(entity_id, ':', 2) as bigint) as place,
        coefficients.feature = '' as is_leaf,
        coefficients.coefficient,
        coalesce(design.value, 0) > coefficients.coefficient as goes_right
    from coefficients
    left join design using (feature, term)
    where coefficients.effect = 'tree' and coefficients.entity_id <> ''
),

left_leaves as (
    select leaves.tree, leaves.place
    from (select tree, place, unnest(range(1, 63)) as height from nodes where is_leaf) as leaves
    inner join nodes on leaves.tree = nodes.tree and leaves.place >> leaves.height = nodes.place
    where nodes.goes_right <> ((leaves.place >> (leaves.height - 1)) % 2 = 1)
),

trees as (
    select coalesce(sum(nodes.coefficient), 0) + (select coefficient from coefficients where effect = 'tree' and entity_id = '') as value
    from nodes
    anti join left_leaves using (tree, place)
    where nodes.is_leaf
),

skills as (
    select models.model, 'skill' as effect, member_side.feature, member_side.term, member_side.value, models.factor * course_side.value as coefficient
    from models
    inner join member_side on models.member_skills = member_side.feature
    inner join course_side on models.course_skills = course_side.feature and member_side.term = course_side.term
    where models.learner = 'affinity'
),

parts as (
    from sums
    union all
    from skills
    union all
    -- what is no sum stands as a whole
    select model, 'whole' as effect, model as feature, '' as term, similarities.value, models.factor as coefficient
    from models
    cross join similarities
    where models.learner = 'item_item'
    union all
    select model, 'whole' as effect, model as feature, '' as term, trees.value, models.factor as coefficient
    from models
    cross join trees
    where models.learner = 'gradient_boosting'
    union all
    -- where a member and a course share no skill the latest releases follow
    select models.model, 'recency' as effect, course_side.feature, course_side.term, course_side.value, -1.0e0 as coefficient
    from models
    inner join course_side on course_side.feature = 'recency_rank'
    where models.learner = 'recency' or (models.learner = 'affinity' and not exists (from skills))
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
