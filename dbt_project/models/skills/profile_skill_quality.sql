-- How well the model of ms01 reads what members typed: on the picked entries of members it did not learn from, whose skill
-- is known, by how the spelling is known.
with candidate_counts as (
    select spelling, count(*) as candidates
    from {{ ref('spelling_candidates') }}
    group by spelling
),

best as (
    select
        case
            when meanings.skill_id is null then 'unknown'
            when meanings.is_misspelled = 1 then 'misspelled'
            when candidate_counts.candidates > 1 then 'ambiguous'
            else 'known'
        end as spelling_kind,
        candidate_counts.candidates,
        meanings.probability,
        meanings.label,
        coalesce(meanings.probability >= {{ var('minimum_meaning') }}, false) as is_mapped
    from {{ ref('profile_entries') }} as entries
    left join {{ ref('profile_entry_skills') }} as meanings
        on entries.member_id = meanings.member_id
        and entries.entry_number = meanings.entry_number
        and meanings.candidate_rank = 1
    left join candidate_counts using (spelling)
    where entries.is_held_out and entries.picked_skill_id is not null
)

select
    spelling_kind,
    count(*) as entries,
    cast(avg(case when is_mapped then 1.0e0 else 0 end) as double) as mapped_share,
    cast(avg(case when is_mapped then label end) as double) as accuracy,
    cast(avg(case when is_mapped then probability end) as double) as mean_probability,
    cast(avg(1.0e0 / candidates) as double) as accuracy_by_chance
from best
group by spelling_kind
