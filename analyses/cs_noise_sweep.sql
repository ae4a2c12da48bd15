-- how cs03 falls with the quality of the tagger: a share of its tags replaced by random skills
{%- if var('raw_location') == '' %}
select
    replaced_share,
    cast(round(precision, 4) as varchar) as precision,
    cast(round(recall, 4) as varchar) as recall,
    cast(round(f1, 4) as varchar) as f1
from {{ ref('cs03_noise_sweep') }}
order by replaced_share
{%- else %}
select 'the sweep is part of the simulated world' as replaced_share
{%- endif %}
