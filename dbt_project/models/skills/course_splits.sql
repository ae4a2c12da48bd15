-- The courses that the taxonomists have tagged, split by hash: `train` is learned from, `validation` sets thresholds,
-- `test` is only measured on. held_out_fold rotates the split, for cross-validation.
{%- set test = (1000 * var('held_out_share')) | int %}
{%- set validation = 200 %}
with tagged_courses as (
    select distinct course_id
    from {{ ref('cs01') }}
),

draws as (
    select
        course_id,
        ({{ hash_bucket(['course_id'], 'course_splits', 1000) }} + 1000 - {{ (test * var('held_out_fold') | int) % 1000 }}) % 1000 as draw
    from tagged_courses
)

select
    course_id,
    case when draw < {{ test }} then 'test' when draw < {{ test + validation }} then 'validation' else 'train' end as split
from draws
