-- Every variant of the registry on one line: what it is made of, what it is worth offline, by another policy's log and online, and
-- what it costs. Of several experiments that compare it with a baseline: the one that the paper's tables have, else the first
-- by name.
{{ config(materialized='view') }}
with features as (
    select variant, count(distinct feature) as features
    from {{ ref('variant_features') }}
    group by variant
),

trained as (
    select label_set, count(*) as rows_trained
    from {{ ref('examples') }}
    where split = 'train'
    group by label_set
),

counted as (
    select variant, count(*) as coefficients
    from {{ ref('coefficients') }}
    group by variant
),

-- a place takes 2 bytes in a list of the store, its score 8
stored as (
    select variant, count(*) * 10 as store_bytes
    from {{ ref('scores') }}
    group by variant
),

compared as (
    select results.*
    from {{ ref('experiment_results') }} as results
    inner join {{ ref('experiments') }} as experiments using (experiment)
    where results.metric = 'click_rate'
    qualify row_number() over (
        partition by results.variant
        order by
            case when experiments.origin = 'log' then 1 else 0 end,
            case when experiments.reported_in like 'table%' then 0 else 1 end,
            results.experiment
    ) = 1
),

-- on the feed, where it has labels
offline as (
    select variant, roc_auc, roc_auc_low, roc_auc_high
    from {{ ref('offline_metrics') }}
    where split = 'test' and channel in ('feed', 'all')
    qualify row_number() over (partition by variant order by channel desc) = 1
)

select
    variants.variant,
    variants.parent,
    cast(coalesce(features.features, 0) as bigint) as features,
    variants.label_set,
    cast(trained.rows_trained as bigint) as rows_trained,
    offline.roc_auc,
    offline.roc_auc_low,
    offline.roc_auc_high,
    policies.dr as off_policy_value,
    policies.effective_sample_size,
    compared.experiment,
    compared.baseline,
    compared.lift,
    compared.lift_low,
    compared.lift_high,
    compared.minimum_detectable_effect,
    compared.p_value,
    compared.true_lift,
    cast(seconds.seconds as double) as training_seconds,
    cast(coalesce(counted.coefficients, 0) as bigint) as coefficients,
    cast(coalesce(stored.store_bytes, 0) as bigint) as store_bytes,
    concat_ws(
        '; ',
        case when compared.minimum_detectable_effect > abs(compared.true_lift) then 'too few members for this lift' end,
        case
            when offline.roc_auc > base.roc_auc and compared.true_lift < 0 then 'better offline, worse online'
            when offline.roc_auc < base.roc_auc and compared.true_lift > 0 then 'worse offline, better online'
        end,
        case when policies.refusal is not null then 'off-policy value refused' end,
        case when variants.learner not in {{ rule_learner_names() }} and counted.variant is null then 'learned nothing' end
    ) as flags,
    coalesce(compared.verdict, 'not tested') as verdict
from {{ ref('variants') }} as variants
left join features on variants.variant = features.variant
left join trained on variants.label_set = trained.label_set
left join counted on variants.variant = counted.variant
left join stored on variants.variant = stored.variant
left join compared on variants.variant = compared.variant
left join offline on variants.variant = offline.variant
left join offline as base on compared.baseline = base.variant
left join {{ ref('off_policy_values') }} as policies on variants.variant = policies.variant and policies.channel = 'feed'
left join {{ seconds_table() }} as seconds on variants.variant = seconds.model
