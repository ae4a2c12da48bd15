{{ config(materialized='view') }}
-- how the fits of the variants with random effects went, pass by pass
with passes as (
    {{ rows_of_effect(mixed_variants(), 'fit') | trim }}
)

select
    variant,
    cast(term as integer) as pass,
    entity_id as step,
    max(case when feature = 'objective' then coefficient end) as objective,
    max(case when feature = 'certificate' then coefficient end) as certificate,
    max(case when feature = 'roc_auc' then coefficient end) as roc_auc,
    max(case when feature = 'log_loss' then coefficient end) as log_loss,
    max(case when feature = 'is_converged' then coefficient end) = 1 as is_converged
from passes
group by variant, term, entity_id
