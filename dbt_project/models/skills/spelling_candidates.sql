-- The skills that a spelling of a profile may mean: by the spelling itself, or, where nobody knows it, by known spellings
-- one edit away.
{%- set shortest = 5 %}
with typed_spellings as (
    select distinct spelling
    from {{ ref('profile_entries') }}
    where spelling <> ''
),

known_spellings as (
    select distinct spelling
    from {{ ref('alias_meanings') }}
),

exact as (
    select spelling, spelling as known_spelling, 0 as is_misspelled
    from typed_spellings
    semi join known_spellings using (spelling)
),

unknown_spellings as (
    select spelling
    from typed_spellings
    anti join known_spellings using (spelling)
    where length(spelling) >= {{ shortest }}
),

long_known_spellings as (
    select spelling
    from known_spellings
    where length(spelling) >= {{ shortest }}
),

misspelled as (
    select distinct typed.spelling, known.spelling as known_spelling, 1 as is_misspelled
    from {{ one_letter_less('unknown_spellings', 'spelling') }} as typed
    inner join {{ one_letter_less('long_known_spellings', 'spelling') }} as known using (variant)
),

candidates as (
    select spelling, known_spelling, is_misspelled
    from exact
    union all
    select spelling, known_spelling, is_misspelled
    from misspelled
)

-- a skill that several known spellings may mean counts by the one that means it most probably
select
    candidates.spelling,
    meanings.skill_id,
    cast(candidates.is_misspelled as integer) as is_misspelled,
    cast(meanings.picks as bigint) as picks,
    cast(meanings.spelling_picks as bigint) as spelling_picks,
    cast(meanings.probability as double) as meaning
from candidates
inner join {{ ref('alias_meanings') }} as meanings on candidates.known_spelling = meanings.spelling
qualify row_number() over (
    partition by candidates.spelling, meanings.skill_id
    order by meanings.probability desc, meanings.picks desc, candidates.known_spelling
) = 1
