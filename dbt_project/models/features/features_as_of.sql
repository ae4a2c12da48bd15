-- The values of a stored feature as they were known on a day: `from features.features_as_of('course_popularity', date '2024-02-01')`.
{{ config(materialized='table_function', parameters=['feature_name', 'as_of']) }}
{%- set tables = [('member_features', ['member_id']), ('course_features', ['course_id']), ('interaction_features', ['member_id', 'course_id'])] %}
{%- for table, keys in tables %}
select
    {%- for key in ('member_id', 'course_id') %}
    {{ 'features.' ~ key if key in keys else 'cast(null as ' ~ id_type() ~ ') as ' ~ key }},
    {%- endfor %}
    features.term,
    features.value,
    features.feature_date
from {{ ref(table) }} as features
inner join (
    select {{ keys | join(', ') }}, family, max(feature_date) as feature_date
    from {{ ref(table) }}
    where feature_date <= cast(as_of as date)
        and family in (select family from {{ ref(table) }} as families where families.feature = cast(feature_name as string))
    group by {{ keys | join(', ') }}, family
) as snapshots using ({{ keys | join(', ') }}, family, feature_date)
where features.feature = cast(feature_name as string) and features.value <> 0
{{ 'union all' if not loop.last }}
{%- endfor %}
