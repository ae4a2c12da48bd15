-- What the scorer streams: all of a member in one row, the assigned variants, the candidates and the features.
{{ config(materialized='view') }}
select
    members.member_id,
    members.variants,
    candidates.courses,
    members.terms,
    members.term_values,
    members.pair_courses,
    members.pair_terms,
    members.pair_values
from {{ ref('scoring_members') }} as members
inner join {{ ref('candidate_lists') }} as candidates using (member_id)
