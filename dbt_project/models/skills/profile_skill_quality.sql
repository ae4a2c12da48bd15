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
    count(case when is_mapped then 1 end) / cast(count(*) as double) as mapped_share,
    count(case when is_mapped and label = 1 then 1 end) / nullif(cast(count(case when is_mapped then 1 end) as double), 0) as accuracy,
    {{ exact_sum('case when is_mapped then probability end') }} / nullif(count(case when is_mapped then 1 end), 0) as mean_probability,
    {{ exact_sum('1.0e0 / candidates') }} / nullif(count(candidates), 0) as accuracy_by_chance
from best
group by spelling_kind
