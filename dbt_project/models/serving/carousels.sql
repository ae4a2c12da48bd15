-- The list of a member in a channel as carousels: courses that share a reason, and the skill where it names one, under its
-- title, the carousel with the best course first. A carousel has three courses or more: fewer of one reason join those that
-- are simply recommended, and these stay away where they are fewer than three, unless the list is as short.
{{ config(materialized='table_function', parameters=['member', 'channel', 'top_k := 20']) }}
{%- set fewest = 3 %}
with sized as (
    select
        list.*,
        count(*) over (partition by variant) as list_size,
        count(*) over (partition by variant, reason, skill_id) as reason_size
    from {{ served('served_list') }}(member, channel) as list
),

grouped as (
    select
        sized.position,
        sized.course_id,
        sized.title,
        sized.score,
        sized.variant,
        sized.list_size,
        case when reason_size < {{ fewest }} then rest.reason else sized.reason end as reason,
        case when reason_size < {{ fewest }} then null else sized.skill_id end as skill_id,
        case when reason_size < {{ fewest }} then rest.text else sized.reason_text end as reason_text,
        case when reason_size < {{ fewest }} then rest.carousel_text else sized.carousel_text end as carousel_title
    from sized
    cross join (from {{ served('reason_cards') }} where reason = 'recommended_for_you') as rest
),

ordered as (
    select
        *,
        min(position) over (partition by variant, reason, skill_id) as first_position,
        count(*) over (partition by variant, reason, skill_id) as carousel_size,
        row_number() over (partition by variant, reason, skill_id order by position) as carousel_position
    from grouped
)

select
    cast(dense_rank() over (order by ordered.first_position) as integer) as carousel,
    ordered.carousel_title,
    cast(ordered.carousel_position as integer) as position,
    ordered.course_id,
    ordered.title,
    ordered.reason,
    ordered.reason_text,
    ordered.score,
    ordered.variant
from (select try_cast(top_k as bigint) as asked_top_k) as asked
inner join ordered on ordered.carousel_position <= asked.asked_top_k and ordered.carousel_size >= least({{ fewest }}, ordered.list_size)
order by carousel, position
