-- the first thirty places of every member in every channel, as the store holds them
{{ config(materialized='view') }}
with treated as (
    select member_id, courses, reasons, treatment.key as channel, rankings[treatment.value][:30] as places
    from (
        select member_id, courses, reasons, rankings, unnest(map_entries(treatments)) as treatment
        from {{ ref('encoded_recommendations') }}
    ) as treatments
),

placed as (
    select
        member_id,
        channel,
        unnest(range(1, len(places) + 1)) as position,
        unnest(list_select(courses, places)) as course,
        reasons
    from treated
)

select
    placed.member_id,
    placed.channel,
    cast(placed.position as integer) as position,
    course_cards.course_id,
    reason_cards.reason
from placed
inner join {{ ref('course_cards') }} as course_cards on placed.course.course_number = course_cards.course_number
inner join {{ ref('reason_cards') }} as reason_cards on placed.reasons[placed.course.reason] = reason_cards.reason_number
