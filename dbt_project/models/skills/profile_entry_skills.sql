-- What the text of every profile entry means, and how probably: the learned model, its probabilities scaled down where the
-- candidates of an entry sum to more than 1. Without picks to learn from, the probability is that of the meaning.
with coefficients as (
    select
        max(case when feature = 'intercept' then coefficient end) as intercept,
        {%- for feature in standardisation_features() %}
        max(case when feature = '{{ feature }}' then coefficient end) as {{ feature }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('ms01_coefficients') }}
),

judged as (
    select
        candidates.member_id,
        candidates.entry_number,
        candidates.skill_id,
        candidates.label,
        candidates.is_held_out,
        candidates.is_misspelled,
        case when coefficients.intercept is null then exp(candidates.log_meaning) / (1 + candidates.is_misspelled)
            else 1 / (1 + exp(-(
                coefficients.intercept
                {%- for feature in standardisation_features() %}
                + candidates.{{ feature }} * coefficients.{{ feature }}
                {%- endfor %}
            )))
        end as probability
    from {{ ref('profile_entry_candidates') }} as candidates
    cross join coefficients
)

select
    member_id,
    entry_number,
    skill_id,
    cast(round(probability / greatest(sum(cast(probability as decimal(38, 12))) over (partition by member_id, entry_number), 1), 9) as double) as probability,
    cast(row_number() over (
        partition by member_id, entry_number
        order by round(probability, 9) desc, skill_id
    ) as integer) as candidate_rank,
    label,
    is_held_out,
    is_misspelled
from judged
