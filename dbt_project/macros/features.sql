{# The date of features that hold from the beginning. #}
{% macro beginning() -%}
    cast('1970-01-01' as date)
{%- endmacro %}

{# The families of a relation of features from which a variant learns. #}
{% macro learned_families(features) -%}
    select distinct family
    from {{ features }}
    where feature in (select feature from {{ ref('used_features') }} where is_learned)
{%- endmacro %}

{# Point in time: of each row of `dated` (its columns, the key among them, and served_date), the snapshot date of every
   family that is learned from on that date. A snapshot dated D holds events strictly before D. #}
{% macro snapshot_for(dated, features, key) -%}
{%- set families = '(' ~ learned_families(features) ~ ')' -%}
{{ latest_before(
    '(select dated.*, families.family from ' ~ dated ~ ' as dated cross join ' ~ families ~ ' as families)',
    '(select distinct ' ~ key ~ ', family, feature_date from ' ~ features ~ ' where family in ' ~ families ~ ')',
    [key, 'family'], 'served_date'
) }}
{%- endmacro %}

{# Rows of the members who have some on a day that is made anew: what sums over all of a member's days needs no others. #}
{% macro of_members_made_anew(relation) -%}
    {%- if model.config.materialized == 'table_by_day' -%}
    (select * from {{ relation }} where member_id in (select member_id from {{ relation }} where {{ is_made_anew('feature_date') }}))
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# The day on which an event became known: that of its arrival where that is later. Features count it from the day after. #}
{% macro known_date(table, happened_at) -%}
    cast(greatest({{ table }}.{{ happened_at }}, coalesce({{ table }}.arrived_at, {{ table }}.{{ happened_at }})) as date)
{%- endmacro %}

{# Rows numbered within their day: a number says its day, and stays as long as the rows of that day do. #}
{% macro numbered_in_day(day, rank) -%}
    (cast({{ day_diff(beginning(), day) }} as bigint) * 4294967296 + {{ rank }})
{%- endmacro %}

{% macro day_of_number(number) -%}
    ({{ beginning() }} + cast({{ number }} // 4294967296 as integer))
{%- endmacro %}

{# Age of a course on a date, as log(1 + days); a course without release date is there from the beginning. #}
{% macro course_age(released_date, on) -%}
    cast(ln(1 + greatest({{ day_diff('coalesce(' ~ released_date ~ ', ' ~ beginning() ~ ')', on) }}, 0)) as double)
{%- endmacro %}

{# The day of the week of a date: mon, tue, ... #}
{% macro day_of_week(date) -%}
    case {{ weekday_number(date) }}
        when 0 then 'sun' when 1 then 'mon' when 2 then 'tue' when 3 then 'wed' when 4 then 'thu' when 5 then 'fri' when 6 then 'sat'
    end
{%- endmacro %}

{# What is derived for the variants: rows of transformations, as a relation. #}
{% macro used_transformations() -%}
    (
        select transformations.*
        from {{ ref('transformations') }} as transformations
        semi join {{ ref('used_features') }} as used on transformations.feature = used.feature
    )
{%- endmacro %}

{# Derived features of one side (member, course or interaction) from the features it has, by the rows of `steps` and
   `buckets` (what the variants use, if not given): CTEs ending in `<name>`, all features of that side. `values` is a
   relation (<keys>, feature, term, value); 0 counts as no value. The same SQL for training, scoring and explanations. #}
{% macro with_derived(name, values, keys, side, steps=none, buckets=none) -%}
{%- set is_crossed = side != 'interaction' %}
{{ name }}_steps as {{ materialized() }} (
    select transformations.feature, transformations.operation, transformations.left_feature, transformations.right_feature, transformations.depth
    from {{ steps or used_transformations() }} as transformations
    where transformations.side = '{{ side }}' and transformations.operation in ('log', 'bucket'{{ ", 'cross'" if is_crossed }})
),

{{ name }}_0 as (
    select {{ keys | join(', ') }}, feature, term, value
    from {{ values }} as given
    where value <> 0 and feature in (
        select left_feature from {{ name }}_steps union all select right_feature from {{ name }}_steps where right_feature is not null
    )
),
{%- for depth in range(1, 4) %}

{{ name }}_{{ depth }} as {{ materialized() }} (
    select {{ keys | join(', ') }}, feature, term, value
    from {{ name }}_{{ depth - 1 }}
    union all
    select
        {% for key in keys %}one.{{ key }}, {% endfor %}
        steps.feature,
        case steps.operation when 'log' then '' when 'bucket' then buckets.term{% if is_crossed %} else one.term || ' x ' || other.term{% endif %} end as term,
        case steps.operation
            when 'log' then round(sign(one.value) * ln(1 + abs(one.value)), 12)
            when 'bucket' then 1.0e0
            {%- if is_crossed %}
            else one.value * other.value
            {%- endif %}
        end as value
    from {{ name }}_{{ depth - 1 }} as one
    inner join {{ name }}_steps as steps on one.feature = steps.left_feature and steps.depth = {{ depth }}
    left join {{ buckets or ref('feature_buckets') }} as buckets
        on steps.operation = 'bucket' and steps.feature = buckets.feature and one.value >= buckets.low and one.value < buckets.high
    {%- if is_crossed %}
    left join {{ name }}_{{ depth - 1 }} as other
        on steps.right_feature = other.feature {% for key in keys %}and one.{{ key }} = other.{{ key }} {% endfor %}
    {%- endif %}
    where steps.operation = 'log' or buckets.feature is not null{{ ' or other.feature is not null' if is_crossed }}
),
{%- endfor %}

{{ name }} as (
    select {{ keys | join(', ') }}, feature, term, value
    from {{ values }} as given
    where value <> 0
    union all
    select {{ keys | join(', ') }}, feature, term, value
    from {{ name }}_3
    where feature in (select feature from {{ name }}_steps)
)
{%- endmacro %}

{# Features of pairs that compare or cross a request's side with a course's: CTEs ending in `compared`
   (pair_id, feature, term, value). `pairs` is a relation (pair_id, request_id, course_day_id), `members` one of
   (request_id, feature, term, value), `courses` one of (course_day_id, feature, term, value), `steps` as in
   with_derived. The course's side comes first: its vectors are short; to join it twice is cheaper than to keep the terms of
   all pairs in between. #}
{% macro compared_pairs(pairs, members, courses, steps=none) -%}
comparisons as {{ materialized() }} (
    select transformations.feature, transformations.operation, transformations.left_feature, transformations.right_feature
    from {{ steps or used_transformations() }} as transformations
    where transformations.side = 'interaction' and transformations.operation in ('dot', 'cosine', 'cross')
),

course_operands as {{ materialized() }} (
    select courses.course_day_id, courses.term, courses.value, comparisons.feature, comparisons.operation, comparisons.left_feature
    from {{ courses }} as courses
    inner join comparisons on courses.feature = comparisons.right_feature
),

member_operands as {{ materialized() }} (
    select members.request_id, members.term, members.value, comparisons.feature
    from {{ members }} as members
    inner join comparisons on members.feature = comparisons.left_feature
),

pair_terms as {{ not_materialized() }} (
    select pairs.pair_id, pairs.request_id, courses.feature, courses.operation, courses.term, courses.value
    from {{ pairs }} as pairs
    inner join course_operands as courses using (course_day_id)
),

products as (
    select pair_terms.pair_id, pair_terms.feature, pair_terms.operation, {{ exact_sum('pair_terms.value * members.value') }} as value
    from pair_terms
    inner join member_operands as members using (request_id, feature, term)
    where pair_terms.operation in ('dot', 'cosine')
    group by pair_terms.pair_id, pair_terms.feature, pair_terms.operation
),

member_lengths as (
    select request_id, feature, sqrt({{ exact_sum('value * value') }}) as length
    from member_operands
    where feature in (select feature from comparisons where operation = 'cosine')
    group by request_id, feature
),

course_lengths as (
    select course_day_id, feature, sqrt({{ exact_sum('value * value') }}) as length
    from course_operands
    where operation = 'cosine'
    group by course_day_id, feature
),

compared as (
    select pair_id, feature, '' as term, round(value, 12) as value
    from products
    where operation = 'dot'
    union all
    select products.pair_id, products.feature, '' as term, round(products.value / (member_lengths.length * course_lengths.length), 12) as value
    from products
    inner join {{ pairs }} as pairs using (pair_id)
    inner join member_lengths using (request_id, feature)
    inner join course_lengths using (course_day_id, feature)
    where products.operation = 'cosine'
    union all
    select pair_terms.pair_id, pair_terms.feature, members.term || ' x ' || pair_terms.term as term, members.value * pair_terms.value as value
    from pair_terms
    inner join member_operands as members using (request_id, feature)
    where pair_terms.operation = 'cross'
)
{%- endmacro %}

{# Rows of the latest snapshot of every family on a day, that of the lists if none is given. #}
{% macro latest_features(features, keys, day=none) -%}
    (
        select {% for key in keys %}features.{{ key }}, {% endfor %}features.feature, features.term, features.value
        from {{ features }} as features
        inner join (
            select {{ keys | join(', ') }}, family, max(feature_date) as feature_date
            from {{ features }}
            where feature_date <= {{ day or as_of_date() }}
            group by {{ keys | join(', ') }}, family
        ) as snapshots using ({{ keys | join(', ') }}, family, feature_date)
        where features.value <> 0
    )
{%- endmacro %}

{# Numbers, from 0, for the (feature, term) pairs of a relation. #}
{% macro numbered_terms(features) -%}
select
    feature,
    term,
    cast(row_number() over (order by feature, term) - 1 as integer) as term_number
from (
    select distinct feature, term
    from {{ features }}
)
{%- endmacro %}
