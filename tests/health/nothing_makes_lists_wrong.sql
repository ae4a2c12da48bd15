-- no check of severity error is outside its thresholds
{{ config(severity='error') }}
select check_name, subject, value, {{ health_sentence() }} as reason
from {{ ref('health') }}
where status = 'error'
