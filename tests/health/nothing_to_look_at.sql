-- no check of severity warn is outside its thresholds; those that are, somebody should look at
{{ config(severity='warn') }}
select check_name, subject, value, {{ health_sentence() }} as reason
from {{ ref('health') }}
where status = 'warn'
