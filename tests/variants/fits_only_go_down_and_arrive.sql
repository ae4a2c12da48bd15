-- no pass raises the objective, and the last is within a millionth of the optimum
with passes as (
    select
        variant,
        pass,
        objective,
        certificate,
        is_converged,
        lag(objective) over (partition by variant order by pass) as objective_before,
        row_number() over (partition by variant order by pass desc) = 1 as is_last
    from {{ ref('glmix_fit_log') }}
)

select variant, pass
from passes
where objective > objective_before
    or (is_last and not coalesce(is_converged and certificate <= 0.000001 * objective, false))
