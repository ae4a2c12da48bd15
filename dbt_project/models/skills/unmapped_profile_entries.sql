-- typed entries that mean no skill of the taxonomy, as far as the model can tell
select
    entries.member_id,
    entries.entry_number,
    entries.entry_text,
    entries.spelling,
    case
        when entries.spelling = '' then 'no words'
        when best.skill_id is null then 'no skill has a spelling like it'
        else 'too unsure'
    end as reason
from {{ ref('profile_entries') }} as entries
left join {{ ref('profile_entry_skills') }} as best
    on entries.member_id = best.member_id and entries.entry_number = best.entry_number and best.candidate_rank = 1
where entries.picked_skill_id is null and coalesce(best.probability, 0) < {{ var('minimum_meaning') }}
