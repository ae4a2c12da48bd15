-- Numbers for what the records of members and courses hold. Values of pairs are few, so their numbers stand for the value
-- as well.
with held as (
    select feature, term, cast(null as double) as value from {{ ref('scoring_member_features') }}
    union
    select feature, term, null from {{ ref('scoring_course_features') }}
    union
    select mapping, cast(skill_id as varchar), null from {{ ref('member_skills') }}
    union
    select mapping, cast(skill_id as varchar), null from {{ ref('course_skills') }}
    union
    select feature, term, value from {{ ref('scoring_pair_features') }}
    union
    select unnest(['intercept', 'recency_rank']), '', null
)

select
    cast(row_number() over (order by feature, term, value) - 1 as integer) as term_number,
    feature,
    term,
    value
from held
where feature in (select feature from {{ ref('explained_inputs') }}) or feature in ('intercept', 'recency_rank')
order by term_number
