-- Where the days are split: at the vars, or so that validation and test are the last 15 and 25 % of the labelled rows that
-- models are evaluated on.
{%- if var('validation_date') %}
select cast('{{ var("validation_date") }}' as date) as validation_date, cast('{{ var("test_date") }}' as date) as test_date
{%- else %}
with days as (
    select
        labels.served_date,
        (sum(count(*)) over (order by labels.served_date) - count(*)) / cast(sum(count(*)) over () as double) as share_before
    from {{ ref('labels') }} as labels
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where label_sets.is_evaluation
    group by labels.served_date
)

select
    cast(coalesce(min(case when share_before >= 0.60 then served_date end), {{ as_of_date() }}) as date) as validation_date,
    cast(coalesce(min(case when share_before >= 0.75 then served_date end), {{ as_of_date() }}) as date) as test_date
from days
{%- endif %}
