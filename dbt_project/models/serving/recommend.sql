-- The ranked courses of a member in a channel, each with its reason; dismissed courses are left out. An unknown member or
-- channel has no rows. One lookup by member; nothing is computed but the order.
{{ config(materialized='table_function', persist_docs={}, parameters=['member', 'channel', 'top_k := 10']) }}
-- the arguments get names of their own first: a caller's column `member_id` must not be taken for the store's
with asked as (
    select try_cast(member as {{ var('id_type') }}) as asked_member, cast(channel as varchar) as asked_channel
),

record as (
    select
        store.member_id,
        store.courses,
        store.rankings,
        store.scores,
        store.treatments[asked.asked_channel] as variant
    from asked
    inner join {{ served('recommendation_store') }} as store on asked.asked_member = store.member_id
),

ranked as (
    select
        member_id,
        variant,
        courses[unnest(rankings[variant])] as course,
        unnest(scores[variant]) as score,
        generate_subscripts(rankings[variant], 1) as place
    from record
),

shown as (
    select ranked.*
    from ranked
    anti join {{ served('dismissals') }} as dismissals
        on ranked.member_id = dismissals.member_id and ranked.course.course_id = dismissals.course_id
)

select
    cast(row_number() over (order by shown.place) as integer) as position,
    shown.course.course_id as course_id,
    cards.title,
    shown.course.reason as reason,
    {{ reason_text('texts.text', 'names.name', 'cards.duration_seconds') }} as reason_text,
    round(cast(shown.score as double), 6) as score,
    shown.variant
from shown
inner join {{ served('course_cards') }} as cards on shown.course.course_id = cards.course_id
inner join {{ served('reason_texts') }} as texts on shown.course.reason = texts.reason
left join {{ served('skill_names') }} as names on shown.course.skill_id = names.skill_id
order by position
limit greatest(top_k, 0)
