-- the coefficients of every learned variant
{%- for name in variants_with(['logistic']) %}
select variant, effect, entity_id, feature, term, coefficient, standard_error
from {{ ref(name) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
