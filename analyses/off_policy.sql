-- Variants valued from the log of another policy (section 4.4), here random traffic: click rates in per cent with 95 % intervals over
-- members, self-normalised (SNIPS) and doubly robust (DR), the effective sample, and the true value
select
    variant,
    coalesce(printf('%.2f (%.1f to %.1f)', 100 * snips, 100 * snips_low, 100 * snips_high), '') as snips,
    coalesce(printf('%.2f (%.1f to %.1f)', 100 * dr, 100 * dr_low, 100 * dr_high), '') as dr,
    printf('%.0f of %d', effective_sample_size, impressions) as effective_sample,
    coalesce(printf('%.2f', 100 * true_value), '?') as truth,
    case when refusal is not null then 'refused' else printf('rank %d, true %d', rank() over (order by dr desc nulls last), rank() over (order by true_value desc nulls last)) end as verdict
from {{ ref('off_policy_values') }}
order by coalesce(true_value, dr) desc, variant
