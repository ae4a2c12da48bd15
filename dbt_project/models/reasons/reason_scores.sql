{{ config(materialized='view') }}
-- the score of every reason for every recommended course it applies to
{% for reason, skill in scored_reasons().items() -%}
select member_id, course_id, best_position, reason, score, {{ skill }} as skill_id
from {{ ref('reason_' ~ reason) }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
