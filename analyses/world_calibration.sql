-- the simulated world against its calibration
{%- if var('raw_location') == '' %}
select quantity, paper_value, measured, low, high, in_band
from {{ ref('calibration') }}
{%- else %}
select 'these are your own tables, not the simulated world' as quantity
{%- endif %}
