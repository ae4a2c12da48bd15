-- the penalties that the variants with random effects tried on the validation days
{%- for name in mixed_variants() %}
select
    variant,
    entity_id as effect,
    cast(split_part(term, '|', 1) as double) as l2,
    cast(split_part(term, '|', 2) as double) as intercept_l2,
    max(case when feature = 'log_loss' then coefficient end) as log_loss,
    max(case when feature = 'roc_auc' then coefficient end) as roc_auc,
    max(case when feature = 'is_chosen' then coefficient end) = 1 as is_chosen
from {{ ref(name) }}
where effect = 'search'
group by variant, entity_id, term
{{ 'union all' if not loop.last }}
{%- else %}
select
    cast(null as varchar) as variant, cast(null as varchar) as effect, cast(null as double) as l2,
    cast(null as double) as intercept_l2,
    cast(null as double) as log_loss, cast(null as double) as roc_auc, cast(null as boolean) as is_chosen
where false
{%- endfor %}
