-- What the scorer streams for the experiments: every member with a session, and all learned variants of their arms.
{{ config(enabled=var('raw_location') == '', materialized='view') }}
with compared_variants as (
    select {{ list_by_rank('variant', 'variant') }} as variants
    from {{ ref('variants') }}
    where learner not in {{ rule_learner_names() }}
        and variant in (select variant from {{ ref('experiment_variants') }} where origin = 'simulation')
)

select
    groups.member_id,
    compared_variants.variants,
    groups.courses,
    groups.terms,
    groups.term_values,
    groups.pair_courses,
    groups.pair_terms,
    groups.pair_values
from {{ ref('scoring_groups') }} as groups
cross join compared_variants
semi join {{ ref('experiment_sessions') }} as sessions on groups.member_id = sessions.member_id
