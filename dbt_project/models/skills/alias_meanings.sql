-- What a spelling means, and how surely, learned from what members typed before they picked a skill. Names and listed
-- aliases start it off; a spelling that is in neither counts from `minimum_picks` picks of one skill on.
{%- set prior_picks = 2 %}
{%- set minimum_picks = 3 %}
with picks as (
    select {{ spelling_of('entry_text') }} as spelling, skill_id, count(distinct member_id) as picks
    from {{ ref('stg_member_profile_skills') }}
    where entry_kind = 'picked' and skill_id is not null and entry_text is not null
    group by {{ spelling_of('entry_text') }}, skill_id
),

listed as (
    select {{ spelling_of('name') }} as spelling, skill_id
    from {{ ref('stg_skills') }}
    union
    select {{ spelling_of('alias') }} as spelling, skill_id
    from {{ ref('stg_skill_aliases') }}
),

meanings as (
    select
        spelling,
        skill_id,
        coalesce(picks.picks, 0) as picks,
        listed.skill_id is not null as is_listed
    from listed
    full join picks using (spelling, skill_id)
    where listed.skill_id is not null or picks.picks >= {{ minimum_picks }}
),

-- listed meanings share the prior picks; a spelling without a listed meaning has none
weighed as (
    select
        spelling,
        skill_id,
        is_listed,
        picks,
        sum(picks) over (partition by spelling) as spelling_picks,
        case when is_listed
            then {{ prior_picks }} / cast(sum(case when is_listed then 1 else 0 end) over (partition by spelling) as double)
            else 0
        end as prior
    from meanings
    where spelling <> ''
)

select
    spelling,
    skill_id,
    cast(round((picks + prior) / (spelling_picks + {{ prior_picks }}), 9) as double) as probability,
    cast(picks as bigint) as picks,
    cast(spelling_picks as bigint) as spelling_picks,
    is_listed
from weighed
