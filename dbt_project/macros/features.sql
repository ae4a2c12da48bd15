{# The date of features that hold from the beginning. #}
{% macro beginning() -%}
    cast('1970-01-01' as date)
{%- endmacro %}

{# Point in time: of each (key, date) of `pairs`, the snapshot date of every feature family on that date.
   `pairs` is a relation with the key and the column `on`; a snapshot dated D holds events strictly before D. #}
{% macro snapshot_for(pairs, features, key, on) -%}
{{ latest_before(
    '(select distinct pairs.' ~ key ~ ', pairs.' ~ on ~ ', families.family from ' ~ pairs ~ ' as pairs cross join (select distinct family from ' ~ features ~ ') as families)',
    '(select distinct ' ~ key ~ ', family, feature_date from ' ~ features ~ ')',
    [key, 'family'], on
) }}
{%- endmacro %}

{# Age of a course on a date, as log(1 + days); a course without release date has none. #}
{% macro course_age(released_date, on) -%}
    cast(ln(1 + greatest({{ on }} - {{ released_date }}, 0)) as double)
{%- endmacro %}
