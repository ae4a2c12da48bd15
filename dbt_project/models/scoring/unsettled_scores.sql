-- The top lists of variants that do not stand as they were made.
-- depends_on: {{ ref('ignored_impressions') }}
with wanted as (
    select distinct assignments.variant, assignments.member_id
    from {{ ref('assignments') }} as assignments
    anti join {{ ref('settled_lists') }} as settled
        on assignments.variant = settled.variant and assignments.member_id = settled.member_id
),

unsettled_lists as (
    select lists.variant, lists.member_id, lists.courses, lists.scores
    from {{ ref('learned_lists') }} as lists
    semi join wanted using (variant, member_id)
    union all
    select lists.variant, lists.member_id, lists.courses, lists.scores
    from {{ ref('rule_lists') }} as lists
    semi join wanted using (variant, member_id)
),

recommendable as (
    select listed.variant, listed.member_id, courses.course_id, listed.score
    from {{ list_rows('unsettled_lists', ['variant', 'member_id'], {'courses': 'course_number', 'scores': 'score'}) }} as listed
    inner join {{ ref('candidate_courses') }} as courses using (course_number)
),

{{ ranked_lists() }}
