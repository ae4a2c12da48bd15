-- "short and relevant": inverted duration, for the shortest of the catalogue
with short_courses as (
    select course_id, duration_seconds
    from {{ ref('stg_courses') }}
    where duration_seconds > 0
    qualify cume_dist() over (order by duration_seconds) <= {{ var('short_course_share') }}
)

select
    pairs.member_id,
    pairs.course_id,
    pairs.best_position,
    'short_relevant' as reason,
    cast(1.0e0 / short_courses.duration_seconds as double) as score
from {{ ref('recommended_pairs') }} as pairs
inner join short_courses using (course_id)
