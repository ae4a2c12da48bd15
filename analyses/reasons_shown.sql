-- how often each reason is shown among the first ten courses, by variant and in all lists
with shown_reasons as (
    select variant, reason, reason_text
    from {{ ref('recommendations') }}
    where position <= 10
),

variant_reasons as (
    select variant, reason, count(*) as shown, min(reason_text) as example
    from shown_reasons
    group by variant, reason
    union all
    select 'all' as variant, reason, count(*) as shown, min(reason_text) as example
    from shown_reasons
    group by reason
)

select
    variant,
    reason,
    shown,
    printf('%.1f %%', 100 * shown / sum(cast(shown as double)) over (partition by variant)) as share,
    example
from variant_reasons
order by variant, shown desc, reason
