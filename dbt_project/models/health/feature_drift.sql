-- Population stability index of every number and category, on the day of the lists (now) against 28 days before (then):
-- sum over bins of (share now - share then) * ln(share now / share then). The bins of numbers are the deciles of then,
-- those of categories the terms; whoever was there and has no value is a bin too. Half a row is added to every bin, so that
-- none is empty. No index where nobody had a value then: the log does not go back so far.
-- Not read, but it runs while glmix is learned, which leaves a processor idle; depends_on: {{ ref('mixed_examples') }}
{%- set tables = {
    'member': ('member_features', 'member_id', 'stg_members', 'joined_date'),
    'course': ('course_features', 'course_id', 'stg_courses', 'released_date'),
} %}
{%- set days = {'then': as_of_date() ~ ' - 28', 'now': as_of_date()} %}
with observed_features as (
    select feature, entity, kind
    from {{ ref('features') }}
    where kind in ('number', 'category') and entity in ('member', 'course')
),

observed as (
{%- for entity, (table, key, entities, since) in tables.items() %}
    {%- set is_last_table = loop.last %}
    {%- for period, day in days.items() %}
    select
        '{{ period }}' as period,
        '{{ entity }}' as entity,
        cast(entities.{{ key }} as string) as entity_id,
        snapshots.feature,
        snapshots.term,
        snapshots.value
    from {{ ref(entities) }} as entities
    left join {{ latest_features(ref(table), [key], day) }} as snapshots using ({{ key }})
    where entities.{{ since }} is null or entities.{{ since }} < {{ day }}
    {{ 'union all' if not (loop.last and is_last_table) }}
    {%- endfor %}
{%- endfor %}
),

entities as (
    select period, entity, count(distinct entity_id) as entities
    from observed
    group by period, entity
),

feature_values as (
    select observed.period, observed.entity_id, observed_features.feature, observed_features.kind, observed.term, observed.value
    from observed
    inner join observed_features using (entity, feature)
),

deciles as (
    select feature, value, ntile(10) over (partition by feature order by value) as decile
    from feature_values
    where period = 'then' and kind = 'number'
),

edges as (
    select distinct feature, max(value) as edge
    from deciles
    where decile < 10
    group by feature, decile
),

binned as (
    select feature_values.period, feature_values.feature, feature_values.entity_id, cast(count(edges.edge) as string) as bin
    from feature_values
    left join edges on feature_values.feature = edges.feature and feature_values.value > edges.edge
    where feature_values.kind = 'number'
    group by feature_values.period, feature_values.feature, feature_values.entity_id
    union all
    select period, feature, entity_id, term as bin
    from feature_values
    where kind = 'category'
),

counts as (
    select period, feature, bin, count(*) as rows
    from binned
    group by period, feature, bin
    union all
    select entities.period, observed_features.feature, 'no value' as bin, entities.entities - count(distinct binned.entity_id) as rows
    from observed_features
    inner join entities using (entity)
    left join binned on entities.period = binned.period and observed_features.feature = binned.feature
    group by entities.period, observed_features.feature, entities.entities
),

bins as (
    select
        feature,
        bin,
        sum(case when period = 'then' then rows else 0 end) as rows_then,
        sum(case when period = 'now' then rows else 0 end) as rows_now
    from counts
    group by feature, bin
),

shares as (
    select
        feature,
        bin,
        rows_then,
        rows_now,
        (rows_then + 0.5e0) / sum(rows_then + 0.5e0) over (partition by feature) as share_then,
        (rows_now + 0.5e0) / sum(rows_now + 0.5e0) over (partition by feature) as share_now
    from bins
)

select
    'feature_drift' as check_name,
    feature as subject,
    case
        when sum(case when bin <> 'no value' then rows_then else 0 end) > 0
            then round({{ exact_sum('(share_now - share_then) * ln(share_now / share_then)') }}, 9)
    end as value
from shares
group by feature
having sum(case when bin <> 'no value' then rows_then + rows_now else 0 end) > 0
