-- every course -> skill mapping that serves, in one table; the raw tags of the tagger stay in cs02
{%- for mapping in ['cs01', 'cs03', 'cs04'] %}
select '{{ mapping }}' as mapping, course_id, skill_id, weight
from {{ ref(mapping) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
