-- The key-value store (figure 8): one record per member, with the courses of all its variants and their reasons once,
-- per variant the order as indices into them, and per channel the variant.
with numbered_courses as (
    select
        member_id,
        course_id,
        reason,
        skill_id,
        cast(row_number() over (partition by member_id order by course_id) as smallint) as place
    from {{ ref('best_reasons') }}
),

member_courses as (
    select
        member_id,
        {{ list_by_rank(struct_of({'course_id': 'course_id', 'reason': 'reason', 'skill_id': 'skill_id'}), 'place') }} as courses
    from numbered_courses
    group by member_id
),

variant_lists as (
    select
        scores.member_id,
        scores.variant,
        {{ list_by_rank('numbered_courses.place', 'scores.position') }} as indices,
        {{ list_by_rank('cast(scores.score as float)', 'scores.position') }} as scores
    from {{ ref('scores') }} as scores
    inner join numbered_courses using (member_id, course_id)
    group by scores.member_id, scores.variant
),

member_rankings as (
    select
        member_id,
        {{ map_by_key('variant', 'indices') }} as rankings,
        {{ map_by_key('variant', 'scores') }} as scores
    from variant_lists
    group by member_id
),

member_treatments as (
    select member_id, {{ map_by_key('channel', 'variant') }} as treatments
    from {{ ref('assignments') }}
    group by member_id
)

select
    member_courses.member_id,
    member_courses.courses,
    member_rankings.rankings,
    member_rankings.scores,
    member_treatments.treatments
from member_courses
inner join member_rankings using (member_id)
inner join member_treatments using (member_id)
order by member_courses.member_id
