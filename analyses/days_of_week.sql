-- How many positions a course of a list moves from one day of the week to the next, in the variants that know the day (insight 11;
-- the paper: six on average). The last row is the week; the lists are those of `recommend_on` before dismissals.
with days as (
    {%- for day in ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] %}
    select '{{ day }}' as day, {{ loop.index0 }} as number
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        scores.variant,
        scores.member_id,
        scores.course_id,
        days.number,
        row_number() over (
            partition by scores.variant, scores.member_id, days.number
            order by round(scores.score + shifts.shift, 6) desc, scores.position
        ) as place
    from {{ ref('scores') }} as scores
    inner join {{ ref('day_shifts') }} as shifts using (variant, course_id)
    inner join days using (day)
),

moves as (
    select ranked.variant, ranked.member_id, ranked.number, ranked.place, abs(after.place - ranked.place) as move
    from ranked
    inner join ranked as after
        on ranked.variant = after.variant
        and ranked.member_id = after.member_id
        and ranked.course_id = after.course_id
        and (ranked.number + 1) % 7 = after.number
)

select
    moves.variant,
    case when grouping(moves.number) = 1 then 'all' else max(days.day) end as from_day,
    count(distinct moves.member_id) as members,
    cast(round(avg(moves.move), 2) as varchar) as mean_abs_rank_change,
    cast(round(avg(case when moves.place <= 20 then moves.move end), 2) as varchar) as of_the_first_20
from moves
inner join days using (number)
group by grouping sets ((moves.variant, moves.number), (moves.variant))
order by moves.variant, grouping(moves.number), moves.number
