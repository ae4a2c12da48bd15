-- The list of a member in a channel as it is now: the stored list of the assigned variant without what the member dismissed;
-- courses of followed skills come up at every third place; an impression without a click since the build moves a course down
-- by half its place. The other functions show parts of it. One lookup, then lists: every join costs a reader time.
{{ config(materialized='table_function', persist_docs={}, parameters=['member', 'channel', 'top_k := 1000000']) }}
{%- set impression_discount = '0.5e0' %}
{%- set followed_every = 3 %}
{%- set rank %}row_number() over (
        order by
            entries.place * (1 + {{ impression_discount }} * coalesce(len(list_filter(entries.shown, lambda course : course = cards.course_id)), 0)),
            entries.course_number
    ){% endset %}
-- the arguments get names of their own first: a caller's column `member_id` must not be taken for the store's
with asked as (
    select
        try_cast(member as {{ var('id_type') }}) as asked_member,
        cast(channel as varchar) as asked_channel,
        try_cast(top_k as bigint) as asked_top_k
),

live as (
    select
        list(events.course_id) filter (where events.kind = 'dismissal') as dismissed,
        list(events.course_id) filter (where events.kind = 'impression') as shown,
        list({'course_number': events.course_number, 'reason_number': events.reason_number} order by events.skill_rank, events.reason_number)
            filter (where events.kind = 'follow') as followed
    from asked
    inner join (
        select member_id, 'dismissal' as kind, course_id, null as course_number, null as reason_number, null as skill_rank
        from {{ live('live_dismissals') }}
        union all
        select member_id, 'impression', course_id, null, null, null
        from {{ live('live_impressions') }}
        union all
        select skills.member_id, 'follow', null, taught.course_number, taught.reason_number, taught.skill_rank
        from {{ live('live_followed_skills') }} as skills
        inner join {{ served('followed_skill_courses') }} as taught on skills.skill_id = taught.skill_id
    ) as events on asked.asked_member = events.member_id
),

lists as (
    select
        asked.asked_top_k,
        store.treatments[asked.asked_channel] as variant,
        store.hidden,
        live.dismissed,
        live.shown,
        store.scores[store.treatments[asked.asked_channel]] as scores,
        list_transform(store.rankings[store.treatments[asked.asked_channel]], lambda place : store.courses[place].course_number) as course_numbers,
        list_transform(store.rankings[store.treatments[asked.asked_channel]], lambda place : store.reasons[store.courses[place].reason]) as reason_numbers,
        list_concat(live.followed, store.followed) as followed,
        list_transform(list_concat(live.followed, store.followed), lambda course : course.course_number) as followed_numbers
    from asked
    inner join {{ served('recommendation_store') }} as store on asked.asked_member = store.member_id
    cross join live
),

-- the ranking, and behind it the courses of followed skills with places between its own
entries as (
    select
        lists.*,
        unnest(list_concat(lists.course_numbers, lists.followed_numbers)) as course_number,
        unnest(list_concat(lists.reason_numbers, list_transform(lists.followed, lambda course : course.reason_number))) as reason_number,
        unnest(list_concat(
            lists.scores,
            list_transform(lists.followed_numbers, lambda course : lists.scores[list_position(lists.course_numbers, course)])
        )) as score,
        unnest(list_concat(
            cast(range(1, len(lists.course_numbers) + 1) as double[]),
            list_transform(lists.followed, lambda course, place : {{ followed_every - 1 }} * place + 0.5e0)
        )) as place
    from lists
)

select
    cast({{ rank }} as integer) as position,
    cards.course_id,
    cards.title,
    reasons.reason,
    reasons.skill_id,
    {{ reason_text('reasons.text', "''", 'cards.duration_seconds') }} as reason_text,
    reasons.carousel_text,
    entries.score,
    entries.variant
from entries
inner join {{ served('course_cards') }} as cards on entries.course_number = cards.course_number
inner join {{ served('reason_cards') }} as reasons on entries.reason_number = reasons.reason_number
where list_contains(entries.hidden, entries.course_number) is not true
    and list_contains(entries.dismissed, cards.course_id) is not true
    -- a course that comes twice keeps the better of its places
    and entries.place <= least(
        list_position(entries.course_numbers, entries.course_number),
        {{ followed_every - 1 }} * list_position(entries.followed_numbers, entries.course_number) + 0.5e0
    )
qualify {{ rank }} <= entries.asked_top_k
