-- the coefficients of every learned variant, without the protocol of its fit
{{ config(materialized='view' if target.type == 'duckdb' else 'table') }}
{%- for name in learned_variants() %}
select variant, effect, entity_id, feature, term, coefficient, standard_error
from {{ ref(name) }}
where effect not in ('fit', 'search')
{{ 'union all' if not loop.last }}
{%- endfor %}
