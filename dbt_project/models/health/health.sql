-- every measurement beside the thresholds of its check; a check that found nothing to measure is unknown
{{ config(materialized='view', post_hook="{{ report_health() }}") }}
select
    checks.check_name,
    coalesce(measurements.subject, 'all') as subject,
    measurements.value,
    checks.low,
    checks.high,
    checks.severity,
    case
        when measurements.value is null then 'unknown'
        when measurements.value < checks.low or measurements.value > checks.high then checks.severity
        else 'ok'
    end as status,
    checks.description
from {{ ref('health_checks') }} as checks
left join {{ ref('measurements') }} as measurements on checks.check_name = measurements.check_name
