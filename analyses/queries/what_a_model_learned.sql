-- The largest coefficients of a variant: what raises and lowers the log-odds of a click. Put another variant in place of m105.
select coefficients.feature, coefficients.term, round(coefficients.coefficient, 3) as coefficient, features.description
from variants.coefficients as coefficients
left join features.feature_catalog as features using (feature)
where coefficients.variant = 'm105' and coefficients.effect = 'global' and coefficients.feature <> 'intercept'
order by abs(coefficients.coefficient) desc, coefficients.feature, coefficients.term
