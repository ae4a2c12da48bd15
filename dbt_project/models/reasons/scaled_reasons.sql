-- Scores of unlike reasons become comparable as inverted ranks (section 3.4, footnote 4); equal scores rank as the courses
-- are recommended. Ranked reason by reason: all at once takes twice as long.
{{ config(materialized='view') }}
{% for reason in scored_reasons() -%}
select
    member_id,
    course_id,
    reason,
    skill_id,
    cast(1.0e0 / row_number() over (partition by member_id order by round(score, 9) desc, best_position, course_id) as double) as scaled_score
from {{ ref('reason_scores') }}
where reason = '{{ reason }}'
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
