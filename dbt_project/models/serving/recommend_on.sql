-- What `recommend` answers, in the order of another day of the week than that of the lists. It differs for variants that know
-- the day. Without a date there are no rows.
{{ config(materialized='table_function', persist_docs={}, parameters=['member', 'channel', 'on_date', 'top_k := 10']) }}
with shifted as (
    select listed.*, round(listed.score + coalesce(shifts.shift, 0), 6) as day_score
    from {{ served('recommend') }}(member, channel, top_k := 10000) as listed
    left join {{ served('day_shifts') }} as shifts
        on listed.variant = shifts.variant
        and listed.course_id = shifts.course_id
        and shifts.day = {{ day_of_week('try_cast(on_date as date)') }}
    where try_cast(on_date as date) is not null
)

select
    cast(row_number() over (order by shifted.day_score desc, shifted.position) as integer) as position,
    shifted.course_id,
    shifted.title,
    shifted.reason,
    shifted.reason_text,
    shifted.day_score as score,
    shifted.variant
from shifted
order by position
limit greatest(top_k, 0)
