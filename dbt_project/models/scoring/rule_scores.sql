-- The top lists of the variants that are rules, for the members they are assigned to. They wait for the models, so that they are
-- made beside the scorer's lists and not in the way of what these wait for.
-- depends_on: {{ ref('coefficients') }}
-- depends_on: {{ ref('ignored_impressions') }}
with wanted as (
    select distinct assignments.variant, assignments.member_id
    from {{ ref('assignments') }} as assignments
    inner join {{ ref('variants') }} as variants using (variant)
    where variants.learner in ('{{ rule_learners() | join("', '") }}')
),

recommendable as (
    select wanted.variant, wanted.member_id, affinity_scores.course_id, affinity_scores.score
    from wanted
    inner join {{ ref('affinity_scores') }} as affinity_scores using (variant, member_id)
),

{{ ranked_lists() }}
