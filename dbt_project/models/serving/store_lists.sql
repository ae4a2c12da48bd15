-- What the encoder of the store reads, in numbers: the lists of a member, the reasons of its courses, and its treatments. Courses
-- have the numbers of the lists, which are those of course_cards; one without a reason is recommended for you.
{{ config(materialized='view') }}
with reasoned as (
    select
        reasoned_pairs.member_id,
        -- both numbers in one: a list of structs takes longer to gather
        list((courses.course_number::bigint << 32) + reasons.reason_number) as courses
    from {{ ref('reasoned_pairs') }} as reasoned_pairs
    inner join {{ ref('course_cards') }} as courses using (course_id)
    inner join {{ ref('reason_cards') }} as reasons
        on reasoned_pairs.reason = reasons.reason and reasoned_pairs.skill_id is not distinct from reasons.skill_id
    group by reasoned_pairs.member_id
)

select
    lists.member_id,
    variants.number as variant_number,
    cast(null as integer) as channel_number,
    lists.courses as course_numbers,
    cast(lists.positions as integer[]) as positions,
    list_transform(lists.scores, lambda score : {{ served_score('round(score, 9)') }}) as scores,
    cast(null as integer[]) as reason_numbers
from {{ ref('listed_scores') }} as lists
inner join {{ ref('store_keys') }} as variants on lists.variant = variants.name and variants.kind = 'variant'
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
