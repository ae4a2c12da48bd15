-- Clicks by seniority and difficulty, which a cross can learn (insight 7): managers and above click beginners' courses more.
with cells as (
    select
        members.seniority,
        courses.difficulty,
        sum(examples.weight * examples.label) / sum(examples.weight) as click_rate
    from {{ ref('examples') }} as examples
    inner join {{ ref('stg_members') }} as members using (member_id)
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where examples.label_set = 'feed_clicks' and members.seniority is not null and courses.difficulty is not null
    group by members.seniority, courses.difficulty
)

select
    seniority,
    difficulty,
    round(100 * click_rate, 2) || ' %' as click_rate,
    cast(round(click_rate / avg(click_rate) over (partition by seniority), 3) as varchar) as against_seniority,
    cast(round(click_rate / avg(click_rate) over (partition by difficulty), 3) as varchar) as against_difficulty
from cells
order by seniority, difficulty
