-- the scores of every affinity variant
{{ config(materialized='view') }}
{%- for name in variants_with(['affinity']) %}
select '{{ name }}' as variant, member_id, course_id, score
from {{ ref(name) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
