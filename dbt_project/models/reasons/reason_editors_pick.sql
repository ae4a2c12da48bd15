-- picked by the editors by the day of the lists; latest picks first
select
    pairs.member_id,
    pairs.course_id,
    pairs.best_position,
    'editors_pick' as reason,
    cast(-{{ day_diff('coalesce(picks.picked_date, ' ~ beginning() ~ ')', as_of_date()) }} as double) as score
from {{ ref('recommended_pairs') }} as pairs
inner join {{ ref('stg_editors_picks') }} as picks using (course_id)
where picks.picked_date is null or picks.picked_date <= {{ as_of_date() }}
