{{ config(materialized='view') }}
-- the penalties that were tried on the validation days
with trials as (
    {{ rows_of_effect(learned_variants(), 'search') | trim }}
)

select
    variant,
    entity_id as effect,
    cast(split_part(term, '|', 1) as double) as l2,
    cast(split_part(term, '|', 2) as double) as intercept_l2,
    max(case when feature = 'log_loss' then coefficient end) as log_loss,
    max(case when feature = 'roc_auc' then coefficient end) as roc_auc,
    max(case when feature = 'is_chosen' then coefficient end) = 1 as is_chosen
from trials
group by variant, entity_id, term
