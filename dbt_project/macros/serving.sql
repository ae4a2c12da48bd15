{# A table of the serving schema without the name of the database, so that a function means the same in the warehouse and
   in the published file. #}
{% macro served(table) -%}
    {{ ref(table).include(database=false) }}
{%- endmacro %}
