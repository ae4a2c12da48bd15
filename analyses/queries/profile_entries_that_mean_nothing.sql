-- What members type into their profiles that means no skill of the taxonomy, the most frequent first: candidates for aliases
select spelling, count(distinct member_id) as members, min(reason) as reason
from skills.unmapped_profile_entries
group by spelling
order by members desc, spelling
