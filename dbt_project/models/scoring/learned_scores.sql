-- the lists of `learned_lists`, a row per course
{{ config(materialized='view') }}
{%- set columns = {'courses': 'course_number', 'scores': 'score', 'global_scores': 'global_score', 'member_scores': 'member_score', 'course_scores': 'course_score'} %}
select
    listed.variant,
    listed.member_id,
    courses.course_id,
    listed.score,
    listed.global_score,
    listed.member_score,
    listed.course_score
from {{ list_rows(ref('learned_lists'), ['variant', 'member_id'], columns) }} as listed
inner join {{ ref('candidate_courses') }} as courses using (course_number)
