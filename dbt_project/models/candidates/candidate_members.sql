-- What leads each member to courses: the skills of the profile and its cohort (ms02) and of what the member engaged with
-- lately, and the courses engaged with in the 90 days up to the last engagement.
with last_engagements as (
    select member_id, max(engaged_date) as last_date
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }}
    group by member_id
),

member_terms as (
    select member_id, 'skill' as kind, cast(skill_id as string) as term, weight
    from {{ ref('ms02') }}
    union all
    select member_id, 'skill' as kind, term, value as weight
    from {{ ref('latest_member_features') }}
    where feature = 'member_interest'
    union all
    select distinct engagements.member_id, 'course' as kind, cast(engagements.course_id as string) as term, 1.0e0 as weight
    from {{ ref('engagements') }} as engagements
    inner join last_engagements using (member_id)
    where engagements.engaged_date > last_engagements.last_date - 90 and engagements.engaged_date < {{ as_of_date() }}
),

member_weights as (
    select member_terms.member_id, terms.term_number, {{ exact_sum('member_terms.weight') }} as weight
    from member_terms
    inner join {{ ref('candidate_terms') }} as terms using (kind, term)
    where member_terms.weight >= 1e-9
    group by member_terms.member_id, terms.term_number
),

member_lists as (
    select
        member_id,
        {{ list_by_rank('term_number', 'term_number') }} as terms,
        {{ list_by_rank('weight', 'term_number') }} as weights
    from member_weights
    group by member_id
),

excluded_lists as (
    select excluded.member_id, {{ list_by_rank('courses.course_number', 'courses.course_number') }} as courses
    from {{ ref('excluded_courses') }} as excluded
    inner join {{ ref('candidate_courses') }} as courses using (course_id)
    group by excluded.member_id
)

select
    members.member_id,
    cast({{ hash_bucket(['members.member_id'], 'candidates', 1000000000) }} as bigint) as draw,
    coalesce(member_lists.terms, {{ empty_list('integer') }}) as terms,
    coalesce(member_lists.weights, {{ empty_list('double') }}) as weights,
    coalesce(excluded_lists.courses, {{ empty_list('integer') }}) as excluded
from {{ ref('stg_members') }} as members
left join member_lists using (member_id)
left join excluded_lists using (member_id)
