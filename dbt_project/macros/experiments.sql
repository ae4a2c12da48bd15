{# What an experiment found, rounded, for people, in cells that `dbt show` does not cut (20 characters): the comparisons of the
   experiments that are reported in a table or an insight of the paper, and what the paper has for them. #}
{% macro experiment_report(reported_in, metric='click_rate', paper_source=none) -%}
select
    results.experiment,
    experiments.origin,
    results.baseline,
    results.variant,
    replace(results.variant, 'm105_history', 'history') || ' / ' || replace(results.baseline, 'm105_history', 'history') as compared,
    {{ as_estimate('results.lift', 'results.lift_low', 'results.lift_high') }} as lift,
    {{ as_p_value('results.p_value') }} || printf(', MDE %.1f %%', 100 * results.minimum_detectable_effect) as p_value,
    coalesce({{ as_number('results.true_lift') }}, '?') || coalesce(' (paper ' || {{ as_number('paper.value') }} || ')', '') as true_lift,
    {{ as_percentage('paper.value') }} as paper_lift,
    case
        when results.verdict = 'no significant change' then 'not significant'
        when results.verdict like 'withheld%' then 'withheld: ratio'
        else results.verdict
    end as verdict
from {{ ref('experiment_results') }} as results
inner join {{ ref('experiments') }} as experiments using (experiment)
left join {{ ref('paper_values') }} as paper
    on paper.source = '{{ paper_source or reported_in }}' and paper.name in (results.experiment, results.variant)
where experiments.reported_in = '{{ reported_in }}' and results.metric = '{{ metric }}'
{%- endmacro %}

{% macro as_number(share) -%}printf('%+.1f', 100 * ({{ share }})){%- endmacro %}

{% macro as_percentage(share) -%}printf('%+.1f %%', 100 * ({{ share }})){%- endmacro %}

{# A share and its interval: +47.1 (+37 to +58) #}
{% macro as_estimate(share, low, high) -%}
    printf('%+.1f (%+.0f to %+.0f)', 100 * ({{ share }}), 100 * ({{ low }}), 100 * ({{ high }}))
{%- endmacro %}

{% macro as_p_value(p) -%}
    case when {{ p }} < 1e-9 then '<1e-9' when {{ p }} < 0.0001e0 then printf('%.0e', {{ p }}) else printf('%.4f', {{ p }}) end
{%- endmacro %}

{# What a variant is worth online in a channel by the simulated truth: rows of variant, channel, true_value, none for your own
   tables. #}
{% macro true_values(metric='click_rate') -%}
select moments.variant, moments.channel, max(moments.true_value) as true_value
from {{ ref('experiment_moments') }} as moments
where moments.metric = '{{ metric }}' and moments.true_value is not null
group by moments.variant, moments.channel
{%- endmacro %}

{# The sums over members that `relevance.experiments` starts from: of x, y, u, v and of the product of every two of them. #}
{% macro sums_and_products() -%}
    {%- for product in ('x', 'y', 'u', 'v', 'x * x', 'x * y', 'x * u', 'x * v', 'y * y', 'y * u', 'y * v', 'u * u', 'u * v', 'v * v') %}
    cast(sum({{ product }}) as double) as {{ product | replace(' * ', '') }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
