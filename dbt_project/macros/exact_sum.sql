{# The sum of numbers that do not depend on the order of the rows, so that every number of threads gives the same: each is
   rounded to 12 decimal places, the rounded ones are added exactly. #}
{% macro exact_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(38, 12))) as double)
{%- endmacro %}
