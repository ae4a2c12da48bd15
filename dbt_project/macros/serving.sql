{# A table of the serving schema without the name of the database, so that a function means the same in the warehouse and
   in the published file. #}
{% macro served(table) -%}
    {{ ref(table).include(database=false) }}
{%- endmacro %}

{# A score as it is stored and served: in whole thousandths. #}
{% macro served_score(score) -%}
    (round({{ score }} * 1000) / 1000)
{%- endmacro %}

{# An empty table of what happens after the build. The functions name it without a schema, so that a temporary table or view of
   the same name in the reader's session takes its place. #}
{% macro live_table(columns) -%}
    {{ config(schema='main') }}
    select {% for column in columns %}cast(null as {{ id_type() }}) as {{ column }}{{ ', ' if not loop.last }}{% endfor %}
    where false
{%- endmacro %}

{% macro live(table) -%}
    {%- do ref(table) -%}{{ table }}
{%- endmacro %}
