-- how the fits of the variants with random effects went, pass by pass
{%- for name in mixed_variants() %}
select
    variant,
    cast(term as integer) as pass,
    entity_id as step,
    max(case when feature = 'objective' then coefficient end) as objective,
    max(case when feature = 'certificate' then coefficient end) as certificate,
    max(case when feature = 'roc_auc' then coefficient end) as roc_auc,
    max(case when feature = 'log_loss' then coefficient end) as log_loss,
    max(case when feature = 'is_converged' then coefficient end) = 1 as is_converged
from {{ ref(name) }}
where effect = 'fit'
group by variant, term, entity_id
{{ 'union all' if not loop.last }}
{%- else %}
select
    cast(null as varchar) as variant, cast(null as integer) as pass, cast(null as varchar) as step,
    cast(null as double) as objective, cast(null as double) as certificate, cast(null as double) as roc_auc,
    cast(null as double) as log_loss, cast(null as boolean) as is_converged
where false
{%- endfor %}
