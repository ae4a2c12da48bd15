-- Which part of the examples the rows of a day belong to. A table, for a view counts as what it reads (`table_by_day`), and the
-- dates of the split move with every day.
{{ config(day='served_date') }}
select
    days.served_date,
    case
        when days.served_date < split_dates.validation_date then 'train'
        when days.served_date < split_dates.test_date then 'validation'
        else 'test'
    end as split
from (select distinct served_date from {{ ref('labels') }}) as days
cross join {{ ref('split_dates') }} as split_dates
