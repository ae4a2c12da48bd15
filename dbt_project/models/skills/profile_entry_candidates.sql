-- Every profile entry and skill that its text may mean, with what the model of ms01 sees. The pick of the entry itself is
-- left out of all counts, so that picked entries look like typed ones.
with picks as (
    select distinct member_id, picked_skill_id as skill_id
    from {{ ref('profile_entries') }}
    where picked_skill_id is not null
),

skill_picks as (
    select skill_id, count(*) as picks
    from picks
    group by skill_id
),

pick_total as (
    select count(*) as picks
    from picks
),

pair_picks as (
    select one.skill_id, other.skill_id as other_skill_id, count(*) as members
    from picks as one
    inner join picks as other on one.member_id = other.member_id and one.skill_id <> other.skill_id
    group by one.skill_id, other.skill_id
),

candidates as (
    select
        entries.member_id,
        entries.entry_number,
        entries.picked_skill_id,
        entries.is_held_out,
        candidates.skill_id,
        candidates.is_misspelled,
        candidates.meaning,
        candidates.picks,
        candidates.spelling_picks,
        case when entries.picked_skill_id is not null then 1 else 0 end as own_pick,
        case when candidates.skill_id = entries.picked_skill_id then 1 else 0 end as is_picked
    from {{ ref('profile_entries') }} as entries
    inner join {{ ref('spelling_candidates') }} as candidates using (spelling)
),

-- the member's other picks, against the candidate
contexts as (
    select
        candidates.member_id,
        candidates.entry_number,
        candidates.skill_id,
        {{ exact_sum(
            '(coalesce(pair_picks.members, 0) - candidates.is_picked)
            / sqrt(cast(skill_picks.picks * coalesce(candidate_picks.picks, 1) as double))'
        ) }} as co_picked,
        max(correlations.similarity) as related
    from candidates
    inner join picks as others
        on candidates.member_id = others.member_id and candidates.skill_id <> others.skill_id
        and (candidates.picked_skill_id is null or candidates.picked_skill_id <> others.skill_id)
    inner join skill_picks on others.skill_id = skill_picks.skill_id
    left join skill_picks as candidate_picks on candidates.skill_id = candidate_picks.skill_id
    left join pair_picks on candidates.skill_id = pair_picks.skill_id and others.skill_id = pair_picks.other_skill_id
    left join {{ ref('skill_correlations') }} as correlations
        on candidates.skill_id = correlations.skill_id and others.skill_id = correlations.related_skill_id
    group by candidates.member_id, candidates.entry_number, candidates.skill_id
)

select
    candidates.member_id,
    candidates.entry_number,
    candidates.skill_id,
    candidates.is_held_out,
    case when candidates.own_pick = 1 then candidates.is_picked end as label,
    -- picks of the spelling without the entry's own, a start of one pick shared as the dictionary says
    cast(round(ln(
        (greatest(candidates.picks - candidates.is_picked, 0) + greatest(candidates.meaning, 0.01))
        / (greatest(candidates.spelling_picks - candidates.own_pick, 0) + 1)
    ), 9) as double) as log_meaning,
    candidates.is_misspelled,
    cast(round(ln((coalesce(skill_picks.picks, 0) - candidates.is_picked + 1.0e0) / (pick_total.picks + 1)), 9) as double) as log_popularity,
    cast(round(ln(1 + greatest(coalesce(contexts.co_picked, 0), 0)), 9) as double) as co_picked,
    cast(coalesce(contexts.related, 0) as double) as related
from candidates
left join contexts using (member_id, entry_number, skill_id)
left join skill_picks on candidates.skill_id = skill_picks.skill_id
cross join pick_total
