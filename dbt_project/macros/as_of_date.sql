{# The day the lists are made for, as an SQL expression. No model reads a clock. #}
{% macro as_of_date() -%}
    (select as_of_date from {{ ref('as_of_date') }})
{%- endmacro %}
