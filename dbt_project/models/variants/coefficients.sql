-- the coefficients of every learned variant
{%- for name in learned_variants() %}
select variant, effect, entity_id, feature, term, coefficient, standard_error
from {{ ref(name) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
