-- Insight 5: a platform that learns every week from its own log, with random traffic / without. What it sees of itself (ROC
-- AUC on its own log), what courses drawn at random say of it, and what its lists are worth, which only the simulated world
-- knows; how many courses they show, and the share of places of the top 1 % of the courses. Last, with minus without
{%- if var('raw_location') == '' %}
{%- set measures = [
    ('auc_own_log', '%.4f'),
    ('auc_random', '%.4f'),
    ('true_click_rate', '%.4f'),
    ('courses_shown', '%.0f'),
    ('top_share', '%.3f'),
] %}
with last_generation as (
    select max(generation) as generation
    from {{ ref('feedback_generations') }}
),

pairs as (
    select
        generation,
        {%- for measure, _ in measures %}
        max(case when traffic = 'with random traffic' then cast({{ measure }} as double) end) as {{ measure }}_with,
        max(case when traffic = 'without random traffic' then cast({{ measure }} as double) end) as {{ measure }}_without{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('feedback_generations') }}
    group by generation
),

lines as (
    select
        generation as place,
        cast(generation as varchar) as generation,
        {%- for measure, format in measures %}
        printf('{{ format }} / {{ format }}', {{ measure }}_with, {{ measure }}_without) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from pairs
    union all
    select
        generation + 1 as place,
        generation || ', with - without' as generation,
        {%- for measure, format in measures %}
        printf('{{ format | replace('%', '%+') }}', {{ measure }}_with - {{ measure }}_without) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from pairs
    semi join last_generation using (generation)
)

select generation{% for measure, _ in measures %}, {{ measure }}{% endfor %}
from lines
order by place
{%- else %}
select 'these are your own tables, not the simulated world' as generation
{%- endif %}
