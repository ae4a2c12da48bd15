-- Courses released in the last 30 days in the first 30 places of each variant: by score alone, and as the lists are after the
-- new-course boost and the impression discount (section 6.2: the boost doubled them)
with placed as (
    select
        scores.variant,
        scores.position,
        scores.is_boosted,
        row_number() over (partition by scores.variant, scores.member_id order by scores.score desc, scores.course_id) as place,
        case when {{ is_new_course('courses.released_date') }} then 1 else 0 end as is_new
    from {{ ref('scores') }} as scores
    inner join {{ ref('stg_courses') }} as courses using (course_id)
),

counts as (
    select
        variant,
        sum(case when place <= 30 then is_new else 0 end) / cast(sum(case when place <= 30 then 1 else 0 end) as double) as share_by_score,
        sum(case when position <= 30 then is_new else 0 end) / cast(sum(case when position <= 30 then 1 else 0 end) as double) as share,
        sum(case when position <= 30 and is_boosted then 1 else 0 end) as boosted
    from placed
    group by variant
)

select
    counts.variant,
    variants.new_course_boost,
    printf('%.1f %%', 100 * share_by_score) as new_by_score,
    printf('%.1f %%', 100 * share) as new_in_lists,
    coalesce(printf('%.2f', share / nullif(share_by_score, 0)), '') as ratio,
    boosted
from counts
inner join {{ ref('variants') }} as variants using (variant)
order by counts.variant
