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

{# Age of a course on a date, as log(1 + days); a course without release date is there from the beginning. #}
{% macro course_age(released_date, on) -%}
    cast(ln(1 + greatest({{ on }} - coalesce({{ released_date }}, {{ beginning() }}), 0)) as double)
{%- endmacro %}

{# Derived features of pairs, by the rows of feature_transformations, as CTEs ending in `transformed_pairs`
   (member_id, course_id, <on>, feature, term, value). `members` and `courses` are relations of
   (key, <on>, feature, term, value). dot: log(1 + sum over shared terms of the product). The course side comes first:
   its vectors are short. #}
{% macro transformed_pairs(pairs, members, courses, on=[]) -%}
pair_terms as materialized (
    select
        pairs.member_id,
        pairs.course_id,
        {% for column in on %}pairs.{{ column }}, {% endfor %}
        transformations.feature,
        transformations.left_feature,
        course_side.term,
        course_side.value
    from {{ pairs }} as pairs
    inner join {{ courses }} as course_side
        on pairs.course_id = course_side.course_id
        {% for column in on %}and pairs.{{ column }} = course_side.{{ column }} {% endfor %}
    inner join {{ ref('feature_transformations') }} as transformations
        on course_side.feature = transformations.right_feature
    where transformations.transformation = 'dot' and course_side.value <> 0
),

transformed_pairs as (
    select
        pair_terms.member_id,
        pair_terms.course_id,
        {% for column in on %}pair_terms.{{ column }}, {% endfor %}
        pair_terms.feature,
        '' as term,
        round(ln(1 + {{ exact_sum('pair_terms.value * member_side.value') }}), 12) as value
    from pair_terms
    inner join {{ members }} as member_side
        on pair_terms.member_id = member_side.member_id
        and pair_terms.left_feature = member_side.feature
        and pair_terms.term = member_side.term
        {% for column in on %}and pair_terms.{{ column }} = member_side.{{ column }} {% endfor %}
    group by pair_terms.member_id, pair_terms.course_id, {% for column in on %}pair_terms.{{ column }}, {% endfor %}pair_terms.feature
)
{%- endmacro %}

{# Rows of the latest snapshot of every family on the day of the lists. #}
{% macro latest_features(features, key) -%}
    (
        select features.{{ key }}, features.feature, features.term, features.value
        from {{ features }} as features
        inner join (
            select {{ key }}, family, max(feature_date) as feature_date
            from {{ features }}
            where feature_date <= {{ as_of_date() }}
            group by {{ key }}, family
        ) as snapshots using ({{ key }}, family, feature_date)
        where features.value <> 0
    )
{%- endmacro %}
