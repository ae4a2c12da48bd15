-- The top lists of variants that do not stand as they were made.
-- depends_on: {{ ref('ignored_impressions') }}
with wanted as (
    select distinct assignments.variant, assignments.member_id
    from {{ ref('assignments') }} as assignments
    anti join {{ ref('settled_lists') }} as settled
        on assignments.variant = settled.variant and assignments.member_id = settled.member_id
),

lists as (
    select variant, member_id, courses, scores
    from {{ ref('learned_lists') }}
    union all
    select variant, member_id, courses, scores
    from {{ ref('rule_lists') }}
),

unsettled_lists as (
    select lists.*
    from lists
    semi join wanted using (variant, member_id)
),

recommendable as (
    select listed.variant, listed.member_id, courses.course_id, listed.score
    from {{ list_rows('unsettled_lists', ['variant', 'member_id'], {'courses': 'course_number', 'scores': 'score'}) }} as listed
    inner join {{ ref('candidate_courses') }} as courses using (course_number)
),

{{ ranked_lists() }}
