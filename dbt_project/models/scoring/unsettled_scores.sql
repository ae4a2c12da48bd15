-- The top lists of learned variants that do not stand as the scorer made them. A variant that had nothing to learn from yet serves
-- the lists of the last affinity variant.
-- depends_on: {{ ref('ignored_impressions') }}
with wanted as (
    select distinct assignments.variant, assignments.member_id
    from {{ ref('assignments') }} as assignments
    inner join {{ ref('variants') }} as variants using (variant)
    anti join {{ ref('settled_lists') }} as settled
        on assignments.variant = settled.variant and assignments.member_id = settled.member_id
    where variants.learner not in ('{{ rule_learners() | join("', '") }}')
),

unsettled_lists as (
    select lists.*
    from {{ ref('learned_lists') }} as lists
    semi join wanted using (variant, member_id)
),

recommendable as (
    select variant, member_id, course_id, score
    from ({{ listed_scores('unsettled_lists') | indent(4) }}) as learned_scores
    union all
    select wanted.variant, wanted.member_id, affinity_scores.course_id, affinity_scores.score
    from wanted
    anti join (select distinct variant from {{ ref('coefficients') }}) as learned on wanted.variant = learned.variant
    inner join {{ ref('affinity_scores') }} as affinity_scores
        on wanted.member_id = affinity_scores.member_id
        and affinity_scores.variant = '{{ variants_with(['affinity']) | last }}'
),

{{ ranked_lists() }}
