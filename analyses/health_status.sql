-- What is watched, what is not as it should be first. Thresholds are the rows of seeds/health_checks.csv; unknown is what cannot be
-- measured: an optional table without rows, too few rows to tell, no earlier version to compare with
select
    status,
    check_name,
    case when length(health.subject) > 20 then '…' || right(health.subject, 19) else health.subject end as subject,
    printf('%.4g', value) as value,
    case
        when low is null then 'up to ' || high
        when high is null then 'from ' || low
        else low || ' to ' || high
    end as as_it_should_be,
    severity
from {{ ref('health') }} as health
order by case status when 'error' then 1 when 'warn' then 2 when 'unknown' then 3 else 4 end, check_name, health.subject
