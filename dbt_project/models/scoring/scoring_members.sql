-- what is known of each member on the day of the lists, in one row: the assigned variants and the features
with member_variants as (
    select member_id, {{ list_by_rank('variant', 'variant') }} as variants
    from (
        select distinct assignments.member_id, assignments.variant
        from {{ ref('assignments') }} as assignments
    )
    group by member_id
),

member_terms as (
    select
        features.member_id,
        {{ list_by_rank('terms.term_number', 'terms.term_number') }} as terms,
        {{ list_by_rank('features.value', 'terms.term_number') }} as term_values
    from {{ ref('scoring_member_features') }} as features
    inner join {{ ref('scoring_terms') }} as terms using (feature, term)
    group by features.member_id
),

member_pairs as (
    select
        features.member_id,
        {{ sorted_list({'course': 'courses.course_number', 'term': 'terms.term_number', 'value': 'features.value'}) }} as pairs
    from {{ ref('scoring_pair_features') }} as features
    inner join {{ ref('candidate_courses') }} as courses using (course_id)
    inner join {{ ref('scoring_pair_terms') }} as terms using (feature, term)
    group by features.member_id
)

select
    member_variants.member_id,
    member_variants.variants,
    coalesce(member_terms.terms, {{ empty_list('integer') }}) as terms,
    coalesce(member_terms.term_values, {{ empty_list('double') }}) as term_values,
    coalesce({{ fields_of('member_pairs.pairs', 'course') }}, {{ empty_list('integer') }}) as pair_courses,
    coalesce({{ fields_of('member_pairs.pairs', 'term') }}, {{ empty_list('integer') }}) as pair_terms,
    coalesce({{ fields_of('member_pairs.pairs', 'value') }}, {{ empty_list('double') }}) as pair_values
from member_variants
left join member_terms using (member_id)
left join member_pairs using (member_id)
