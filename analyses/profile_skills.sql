-- Section 3.2: how well free text of profiles is standardised, on members the model did not learn from
select
    spelling_kind,
    entries,
    cast(round(mapped_share, 3) as varchar) as mapped_share,
    cast(round(accuracy, 3) as varchar) as accuracy,
    cast(round(mean_probability, 3) as varchar) as mean_probability,
    cast(round(accuracy_by_chance, 3) as varchar) as accuracy_by_chance
from {{ ref('profile_skill_quality') }}
order by entries desc, spelling_kind
