-- the lists that the store holds, as plain rows again
{{ config(materialized='view') }}
with placed as (
    select
        member_id,
        ranking.key as variant,
        cast(generate_subscripts(ranking.value, 1) as integer) as position,
        unnest(list_select(courses, ranking.value)) as course,
        unnest(scores[ranking.key]) as score,
        reasons
    from (
        select member_id, courses, reasons, scores, unnest(map_entries(rankings)) as ranking
        from {{ ref('recommendation_store') }}
    ) as lists
)

select
    placed.member_id,
    placed.variant,
    placed.position,
    course_cards.course_id,
    placed.score,
    reason_cards.reason,
    reason_cards.skill_id
from placed
inner join {{ ref('course_cards') }} as course_cards on placed.course.course_number = course_cards.course_number
inner join {{ ref('reason_cards') }} as reason_cards on placed.reasons[placed.course.reason] = reason_cards.reason_number
