-- courses for everybody: what did best lately, and what is new
with popular_courses as (
    select
        available.course_id,
        coalesce(activity.value, 0) as popularity,
        coalesce(history.value, 0) as all_popularity,
        available.recency_rank
    from {{ ref('available_courses') }} as available
    left join {{ ref('latest_course_features') }} as activity
        on available.course_id = activity.course_id and activity.feature = 'course_popularity'
    left join {{ ref('latest_course_features') }} as history
        on available.course_id = history.course_id and history.feature = 'course_engagements'
)

select course_id, 'popular' as pool
from popular_courses
qualify row_number() over (order by round(popularity, 9) desc, round(all_popularity, 9) desc, course_id) <= {{ (0.7 * var('candidates_per_member')) | int }}
union all
select course_id, 'recent' as pool
from popular_courses
where recency_rank <= {{ (0.3 * var('candidates_per_member')) | int }}
