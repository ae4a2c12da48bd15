{{ config(materialized='view') }}
-- What every variant is measured on: the validation and test days of the label sets for evaluation, in long form.
with evaluated as (
    select examples.example_id, examples.label, examples.weight
    from {{ ref('examples') }} as examples
    inner join {{ ref('label_sets') }} as label_sets using (label_set)
    where label_sets.is_evaluation and examples.split in ('validation', 'test')
)

select evaluated.example_id, evaluated.label, evaluated.weight, features.feature, features.term, features.value
from evaluated
inner join {{ ref('example_features') }} as features using (example_id)
union all
select example_id, label, weight, 'intercept' as feature, '' as term, cast(1 as double) as value
from evaluated
