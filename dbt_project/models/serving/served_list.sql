-- The list of a member in a channel as it is now: the stored list of the assigned variant without what the member dismissed;
-- courses of followed skills come up at every third place; an impression without a click since the build moves a course down
-- by half its place. The other functions show parts of it. One lookup, then lists: every join costs a reader time.
{{ config(materialized='table_function', parameters=['member', 'channel', 'top_k := 1000000']) }}
{%- set impression_discount = '0.5e0' %}
{%- set followed_every = 3 %}
{%- set rank %}row_number() over (
        order by
            entries.place * (1 + {{ impression_discount }} * coalesce(len(list_filter(entries.shown, lambda course : course = cards.course_id)), 0)),
            entries.course_number
    ){% endset %}
-- an argument stands only where all columns in sight have names of their own: a caller's column `member_id` or `position`,
-- given as an argument, must not be taken for a column of these tables
with live as (
    select
        list(events.live_course) filter (where events.live_kind = 'dismissal') as dismissed,
        list(events.live_course) filter (where events.live_kind = 'impression') as shown,
        list({'course_number': events.live_number, 'reason_number': events.live_reason} order by events.live_rank, events.live_reason)
            filter (where events.live_kind = 'follow') as followed
    from (
        select
            member_id as live_member,
            'dismissal' as live_kind,
            course_id as live_course,
            null as live_number,
            null as live_reason,
            null as live_rank
        from {{ live('live_dismissals') }}
        union all
        select member_id, 'impression', course_id, null, null, null
        from {{ live('live_impressions') }}
        union all
        select skills.member_id, 'follow', null, taught.course_number, taught.reason_number, taught.skill_rank
        from {{ live('live_followed_skills') }} as skills
        inner join {{ served('followed_skill_courses') }} as taught on skills.skill_id = taught.skill_id
    ) as events
    where events.live_member = try_cast(member as {{ id_type() }})
),

record as (
    select
        stored.*,
        stored.stored_treatments[cast(channel as varchar)] as stored_variant,
        try_cast(top_k as bigint) as stored_top_k
    from (
        select
            store.member_id as stored_member,
            store.courses as stored_courses,
            store.reasons as stored_reasons,
            store.rankings as stored_rankings,
            store.scores as stored_scores,
            store.treatments as stored_treatments,
            store.hidden as stored_hidden,
            store.followed as stored_followed
        from {{ served('recommendation_store') }} as store
    ) as stored
    where stored.stored_member = try_cast(member as {{ id_type() }})
),

lists as (
    select
        record.stored_top_k as top_places,
        record.stored_variant as variant,
        record.stored_hidden as hidden,
        live.dismissed,
        live.shown,
        record.stored_scores[record.stored_variant] as scores,
        list_transform(
            record.stored_rankings[record.stored_variant], lambda place : record.stored_courses[place].course_number
        ) as course_numbers,
        list_transform(
            record.stored_rankings[record.stored_variant],
            lambda place : record.stored_reasons[record.stored_courses[place].reason]
        ) as reason_numbers,
        list_concat(live.followed, record.stored_followed) as followed,
        list_transform(list_concat(live.followed, record.stored_followed), lambda course : course.course_number) as followed_numbers
    from record
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
    replace(reasons.text, '{minutes}', cards.duration_text) as reason_text,
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
qualify {{ rank }} <= entries.top_places
