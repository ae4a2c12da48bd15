-- The courses that can be recommended, by number; and the list for everybody: what did best lately and what is new take turns
{%- set length = var('candidates_per_member') %}
with course_ranks as (
    select
        available.course_id,
        available.recency_rank,
        row_number() over (
            order by
                round(coalesce(lately.value, 0), 9) desc,
                round(coalesce(ever.value, 0), 9) desc,
                available.course_id
        ) as popularity_rank
    from {{ ref('available_courses') }} as available
    left join {{ ref('latest_course_features') }} as lately
        on available.course_id = lately.course_id and lately.feature = 'course_popularity'
    left join {{ ref('latest_course_features') }} as ever
        on available.course_id = ever.course_id and ever.feature = 'course_engagements'
)

select
    course_id,
    cast(row_number() over (order by course_id) - 1 as integer) as course_number,
    cast(recency_rank as integer) as recency_rank,
    popularity_rank <= {{ length }} as is_popular,
    recency_rank <= {{ length // 2 }} as is_recent,
    -- every third place goes to the next latest release
    cast(row_number() over (order by least(3 * popularity_rank, 6 * recency_rank), course_id) as integer) as shared_rank
from course_ranks
