-- Tests that are repeated (512 draws of the arms): members are the unit, not impressions. At the 5 % level a test should reject
-- an A/A comparison in 5 % of the draws, and a 95 % interval cover the lift of all members in 95 %; by impression it does not.
{%- if var('raw_location') == '' %}
select
    test,
    method,
    measure,
    printf('%.1f %%', 100 * share) as share,
    printf('%.0f to %.0f %%', 100 * wanted_low, 100 * wanted_high) as wanted,
    case when is_as_wanted then 'as wanted' else 'not as wanted' end as verdict
from {{ ref('repeated_results') }}
order by test, measure desc, method
{%- else %}
select 'these are your own tables, not the simulated world' as verdict
{%- endif %}
