-- What the encoder of the store reads, in numbers: the lists of a member, the reasons of its courses, and its treatments. Lists
-- that stand as they were made pass as they are; their numbers of courses are those of course_cards.
{{ config(materialized='view') }}
with ranked as (
    select
        scores.member_id,
        scores.variant,
        list({
            'course_number': courses.course_number,
            'position': scores.position,
            'score': {{ served_score('scores.score') }}
        }) as places
    from {{ ref('unsettled_scores') }} as scores
    inner join {{ ref('course_cards') }} as courses using (course_id)
    group by scores.member_id, scores.variant
),

reasoned as (
    select
        best_reasons.member_id,
        -- both numbers in one: a list of structs takes longer to gather
        list((courses.course_number::bigint << 32) + reasons.reason_number) as courses
    from {{ ref('best_reasons') }} as best_reasons
    inner join {{ ref('course_cards') }} as courses using (course_id)
    inner join {{ ref('reason_cards') }} as reasons
        on best_reasons.reason = reasons.reason and best_reasons.skill_id is not distinct from reasons.skill_id
    group by best_reasons.member_id
)

select
    settled.member_id,
    variants.number as variant_number,
    cast(null as smallint) as channel_number,
    settled.courses as course_numbers,
    cast(settled.positions as integer[]) as positions,
    list_transform(settled.scores, lambda score : {{ served_score('round(score, 9)') }}) as scores,
    cast(null as integer[]) as reason_numbers
from {{ ref('settled_lists') }} as settled
inner join {{ ref('store_keys') }} as variants on settled.variant = variants.name and variants.kind = 'variant'
union all
select
    ranked.member_id,
    variants.number as variant_number,
    null as channel_number,
    list_transform(ranked.places, lambda place : place.course_number) as course_numbers,
    list_transform(ranked.places, lambda place : place.position) as positions,
    list_transform(ranked.places, lambda place : place.score) as scores,
    null as reason_numbers
from ranked
inner join {{ ref('store_keys') }} as variants on ranked.variant = variants.name and variants.kind = 'variant'
union all
select
    member_id,
    null as variant_number,
    null as channel_number,
    list_transform(courses, lambda course : cast(course >> 32 as integer)) as course_numbers,
    null as positions,
    null as scores,
    list_transform(courses, lambda course : cast(course & 4294967295 as integer)) as reason_numbers
from reasoned
union all
select
    assignments.member_id,
    variants.number as variant_number,
    channels.number as channel_number,
    null as course_numbers,
    null as positions,
    null as scores,
    null as reason_numbers
from {{ ref('assignments') }} as assignments
inner join {{ ref('store_keys') }} as variants on assignments.variant = variants.name and variants.kind = 'variant'
inner join {{ ref('store_keys') }} as channels on assignments.channel = channels.name and channels.kind = 'channel'
