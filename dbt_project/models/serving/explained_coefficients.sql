-- the coefficients behind the assigned variants; those of models per member and per course are in the records of these
select
    coefficients.variant as model,
    coefficients.effect,
    coefficients.entity_id,
    coefficients.feature,
    coefficients.term,
    coefficients.coefficient
from {{ ref('coefficients') }} as coefficients
where coefficients.variant in (select model from {{ ref('explained_models') }})
    and (coefficients.effect in ('global', 'tree') or (coefficients.effect = 'blend' and coefficients.feature = 'intercept'))
order by coefficients.variant, coefficients.effect, coefficients.entity_id, coefficients.feature, coefficients.term
