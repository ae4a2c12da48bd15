-- The policies that are valued: the lists of every variant of the experiments for the members of the log (simulated), or those
-- that are served, each to the members it is assigned to (your own tables)
{{ config(materialized='view') }}
{%- if var('raw_location') == '' %}
select variant, member_id, courses
from {{ ref('experiment_slates') }}
where day_of_week is null
{%- else %}
select scores.variant, scores.member_id, {{ list_by_rank('numbers.course_number', 'scores.position') }} as courses
from {{ ref('scores') }} as scores
inner join {{ ref('candidate_courses') }} as numbers using (course_id)
semi join {{ ref('off_policy_log') }} as logged on scores.member_id = logged.member_id
where scores.position <= 48
group by scores.variant, scores.member_id
{%- endif %}
