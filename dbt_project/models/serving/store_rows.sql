-- What the encoder of the store reads, in numbers: places in lists, reasons of courses, and treatments.
{{ config(materialized='view') }}
select
    scores.member_id,
    variants.number as variant_number,
    courses.course_number,
    scores.position,
    {{ served_score('scores.score') }} as score,
    cast(null as integer) as reason_number,
    cast(null as smallint) as channel_number
from {{ ref('scores') }} as scores
inner join {{ ref('store_keys') }} as variants on scores.variant = variants.name and variants.kind = 'variant'
inner join {{ ref('course_cards') }} as courses on scores.course_id = courses.course_id
union all
select
    best_reasons.member_id,
    null as variant_number,
    courses.course_number,
    null as position,
    null as score,
    reasons.reason_number,
    null as channel_number
from {{ ref('best_reasons') }} as best_reasons
inner join {{ ref('course_cards') }} as courses on best_reasons.course_id = courses.course_id
inner join {{ ref('reason_cards') }} as reasons
    on best_reasons.reason = reasons.reason and best_reasons.skill_id is not distinct from reasons.skill_id
union all
select
    assignments.member_id,
    variants.number as variant_number,
    null as course_number,
    null as position,
    null as score,
    null as reason_number,
    channels.number as channel_number
from {{ ref('assignments') }} as assignments
inner join {{ ref('store_keys') }} as variants on assignments.variant = variants.name and variants.kind = 'variant'
inner join {{ ref('store_keys') }} as channels on assignments.channel = channels.name and channels.kind = 'channel'
