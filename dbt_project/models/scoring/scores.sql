-- The top list of every variant, for the members it is assigned to. Where fewer courses have a score than the list is
-- long, the latest releases follow, so everybody has a full list.
{%- set length = var('recommendations_per_member') %}
with assigned as (
    select distinct member_id, variant
    from {{ ref('assignments') }}
),

-- what a member has watched to the end is not recommended again
finished_courses as (
    select distinct engagements.member_id, engagements.course_id
    from {{ ref('engagements') }} as engagements
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where engagements.watch_seconds >= {{ var('finished_share') }} * courses.duration_seconds
        and courses.duration_seconds > 0
        and engagements.engaged_date < {{ as_of_date() }}
),

variant_scores as (
    select variant, member_id, course_id, score
    from {{ ref('learned_scores') }}
    union all
    select assigned.variant, assigned.member_id, affinity_scores.course_id, affinity_scores.score
    from assigned
    inner join {{ ref('affinity_scores') }} as affinity_scores using (variant, member_id)
),

-- a learned variant that had nothing to learn from yet serves the lists of the last affinity variant
recommendable as (
    select variant, member_id, course_id, score
    from variant_scores
    union all
    select assigned.variant, assigned.member_id, affinity_scores.course_id, affinity_scores.score
    from assigned
    inner join {{ ref('variants') }} as variants on assigned.variant = variants.variant and variants.learner not in ('{{ rule_learners() | join("', '") }}')
    anti join (select distinct variant from {{ ref('coefficients') }}) as learned on assigned.variant = learned.variant
    inner join {{ ref('affinity_scores') }} as affinity_scores
        on assigned.member_id = affinity_scores.member_id
        and affinity_scores.variant = '{{ variants_with(['affinity']) | last }}'
),

scored as (
    select variant, member_id, course_id, score
    from recommendable
    anti join finished_courses using (member_id, course_id)
),

short_lists as (
    select
        assigned.variant,
        assigned.member_id,
        count(scored.course_id) as scored_courses,
        least(coalesce(min(scored.score), 0), 0) as lowest_score
    from assigned
    left join scored using (variant, member_id)
    group by assigned.variant, assigned.member_id
    having count(scored.course_id) < {{ length }}
),

filled as (
    select variant, member_id, course_id, score
    from scored
    union all
    select short_lists.variant, short_lists.member_id, m001.course_id, short_lists.lowest_score + m001.score as score
    from short_lists
    inner join {{ ref('m001') }} as m001 on m001.score >= -(2 * {{ length }} + short_lists.scored_courses)
    anti join finished_courses
        on short_lists.member_id = finished_courses.member_id and m001.course_id = finished_courses.course_id
    anti join scored
        on short_lists.variant = scored.variant
        and short_lists.member_id = scored.member_id
        and m001.course_id = scored.course_id
)

select
    variant,
    member_id,
    course_id,
    cast(round(score, 9) as double) as score,
    cast(row_number() over (partition by variant, member_id order by round(score, 9) desc, course_id) as integer) as position
from filled
qualify position <= {{ length }}
