-- Insight 2: the weekly e-mail with and without a reason for its first course, drawn for every e-mail of the log: share of
-- e-mails that are opened (send-to-open). The interval is that of a ratio of two shares (on the logarithm).
with shares as (
    select
        has_context,
        count(*) as sends,
        sum(case when opened_at is not null then 1 else 0 end) as opens
    from {{ ref('stg_email_sends') }}
    group by has_context
),

compared as (
    select
        with_context.sends + without_context.sends as sends,
        with_context.opens / cast(with_context.sends as double) as with_rate,
        without_context.opens / cast(without_context.sends as double) as without_rate,
        ln((with_context.opens / cast(with_context.sends as double)) / (without_context.opens / cast(without_context.sends as double))) as log_ratio,
        sqrt(
            1.0e0 / with_context.opens - 1.0e0 / with_context.sends + 1.0e0 / without_context.opens - 1.0e0 / without_context.sends
        ) as standard_error
    from shares as with_context
    inner join shares as without_context on with_context.has_context and not without_context.has_context
    where with_context.opens > 0 and without_context.opens > 0
)

select
    compared.sends,
    printf('%.2f %%', 100 * compared.with_rate) as opened_with_reason,
    printf('%.2f %%', 100 * compared.without_rate) as opened_without,
    {{ as_estimate(
        'exp(compared.log_ratio) - 1',
        'exp(compared.log_ratio - 1.96e0 * compared.standard_error) - 1',
        'exp(compared.log_ratio + 1.96e0 * compared.standard_error) - 1'
    ) }} as lift,
    {{ as_percentage('paper.value') }} as paper_lift,
    case when compared.log_ratio - 1.96e0 * compared.standard_error > 0 then 'as in the paper' else 'not as in the paper' end as verdict
from compared
left join {{ ref('paper_values') }} as paper on paper.source = 'insight 2'
