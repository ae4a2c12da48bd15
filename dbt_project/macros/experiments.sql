{# What an experiment found, in words and rounded, for people: the comparisons of the experiments reported in a table or an
   insight of the paper, and what the paper has for them. #}
{% macro experiment_report(reported_in, metric='click_rate', paper_source=none) -%}
select
    results.experiment,
    results.variant || ' over ' || results.baseline as compared,
    results.channel,
    {{ as_percentage('results.lift') }} as lift,
    {{ as_interval('results.lift_low', 'results.lift_high') }} as interval,
    {{ as_p_value('results.p_value') }} as p_value,
    printf('%.1f %%', 100 * results.minimum_detectable_effect) as detectable,
    {{ as_percentage('results.true_lift') }} as true_lift,
    {{ as_percentage('paper.value') }} as paper_lift,
    results.verdict
from {{ ref('experiment_results') }} as results
inner join {{ ref('experiments') }} as experiments using (experiment)
left join {{ ref('paper_values') }} as paper
    on paper.source = '{{ paper_source or reported_in }}' and paper.name in (results.experiment, results.variant)
where experiments.reported_in = '{{ reported_in }}' and results.metric = '{{ metric }}'
{%- endmacro %}

{% macro as_percentage(share) -%}printf('%+.1f %%', 100 * {{ share }}){%- endmacro %}

{% macro as_interval(low, high) -%}printf('%+.1f to %+.1f', 100 * {{ low }}, 100 * {{ high }}){%- endmacro %}

{% macro as_p_value(p) -%}case when {{ p }} < 0.0001e0 then printf('%.0e', {{ p }}) else printf('%.4f', {{ p }}) end{%- endmacro %}

{# What a variant is worth online in a channel by the simulated truth: rows of variant, channel, true_value, none for your own
   tables. #}
{% macro true_values(metric='click_rate') -%}
select moments.variant, moments.channel, max(moments.true_value) as true_value
from {{ ref('experiment_moments') }} as moments
where moments.metric = '{{ metric }}' and moments.true_value is not null
group by moments.variant, moments.channel
{%- endmacro %}
