-- The list of a member in a channel in the order of another day of the week than that of the lists. It differs for variants that
-- know the day: a course moves by as many places as it does among the scores. Without a date there are no rows.
{{ config(materialized='table_function', parameters=['member', 'channel', 'on_date', 'top_k := 10']) }}
with shifted as (
    select list.*, list.score + coalesce(shifts.shift, 0) as day_score
    from {{ served('served_list') }}(member, channel) as list
    left join {{ served('day_shifts') }} as shifts
        on list.variant = shifts.variant
        and list.course_id = shifts.course_id
        and shifts.day = {{ day_of_week('try_cast(on_date as date)') }}
    where try_cast(on_date as date) is not null
),

moved as (
    select
        *,
        position
        + row_number() over (order by day_score desc nulls last, position)
        - row_number() over (order by score desc nulls last, position) as day_place
    from shifted
),

ranked as (
    select *, row_number() over (order by day_place, position) as day_position
    from moved
)

select
    cast(ranked.day_position as integer) as position,
    ranked.course_id,
    ranked.title,
    ranked.reason,
    ranked.reason_text,
    round(ranked.day_score, 6) as score,
    ranked.variant
from (select try_cast(top_k as bigint) as asked_top_k) as asked
inner join ranked on ranked.day_position <= asked.asked_top_k
order by position
