-- What the scorer streams for the direct model of click rates: every member of the log with all courses that the log or a policy
-- shows to the member
{{ config(materialized='view') }}
{%- set direct_variant = variants_with(['glmix']) | first %}
with shown as (
    select member_id, course_number
    from {{ ref('off_policy_log') }}
    union
    select member_id, course_number
    from {{ list_rows(ref('off_policy_lists'), ['member_id'], {'courses': 'course_number'}) }}
),

member_courses as (
    select member_id, {{ list_by_rank('course_number', 'course_number') }} as courses
    from shown
    where member_id in (select member_id from {{ ref('off_policy_log') }})
    group by member_id
)

select
    groups.member_id,
    {{ list_of(["'" ~ direct_variant ~ "'"]) }} as variants,
    member_courses.courses,
    groups.terms,
    groups.term_values,
    groups.pair_courses,
    groups.pair_terms,
    groups.pair_values
from {{ ref('scoring_groups') }} as groups
inner join member_courses using (member_id)
