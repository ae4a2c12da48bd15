-- everything that is watched, family by family
{{ config(materialized='view') }}
{%- for family in (
    'freshness', 'volume', 'null_shares', 'quarantined_shares', 'feature_drift', 'label_rates', 'list_shares', 'list_churn',
) %}
select check_name, subject, value
from {{ ref(family) }}
union all
{%- endfor %}
select 'calibration' as check_name, metrics.variant || ' ' || metrics.channel as subject, metrics.calibration as value
from {{ ref('offline_metrics') }} as metrics
inner join {{ ref('treatments') }} as treatments using (channel, variant)
where metrics.split = 'test' and metrics.calibration is not null
