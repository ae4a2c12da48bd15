-- the coefficients behind the assigned variants; those of members are in the members' records
select coefficients.variant as model, coefficients.effect, coefficients.entity_id, coefficients.feature, coefficients.term, coefficients.coefficient
from {{ ref('coefficients') }} as coefficients
semi join {{ ref('explained_models') }} as models on coefficients.variant = models.model
where coefficients.effect <> 'member' and (coefficients.effect <> 'blend' or coefficients.feature = 'intercept')
order by coefficients.variant, coefficients.effect, coefficients.entity_id, coefficients.feature, coefficients.term
