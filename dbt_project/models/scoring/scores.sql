-- The top list of every variant, for the members it is assigned to. A member with fewer scored courses than the list is
-- long gets the latest releases behind them, so everybody has a full list.
{%- set length = var('recommendations_per_member') %}
with assigned as (
    select distinct member_id, variant
    from {{ ref('assignments') }}
),

scored as (
    select learned_scores.variant, learned_scores.member_id, learned_scores.course_id, learned_scores.score
    from {{ ref('learned_scores') }} as learned_scores
    union all
    select assigned.variant, assigned.member_id, m002.course_id, m002.score
    from assigned
    inner join {{ ref('m002') }} as m002 using (member_id)
    where assigned.variant = 'm002'
),

lowest as (
    select variant, member_id, min(score) as score
    from scored
    group by variant, member_id
),

filled as (
    select variant, member_id, course_id, score
    from scored
    union all
    select
        assigned.variant,
        assigned.member_id,
        m001.course_id,
        least(coalesce(lowest.score, 0), 0) + m001.score as score
    from assigned
    inner join {{ ref('m001') }} as m001 on m001.score >= -{{ 2 * length }}
    left join lowest using (variant, member_id)
    anti join scored
        on assigned.variant = scored.variant
        and assigned.member_id = scored.member_id
        and m001.course_id = scored.course_id
)

select
    variant,
    member_id,
    course_id,
    cast(round(score, 9) as double) as score
from filled
qualify row_number() over (partition by variant, member_id order by round(score, 9) desc, course_id) <= {{ length }}
