-- Insight 11: a list for each day of the week (section 6.3) against one list: click rate on the feed, and engaged learners of
-- subscribers and of others. How far courses move from day to day: `dbt show -s days_of_week`.
{%- if var('raw_location') == '' %}
with members as (
    select
        responses.variant,
        responses.member_id,
        coalesce(profiles.subscription, 'free') <> 'free' as is_subscriber,
        1 - exp(sum(responses.log_no_click)) as engaged
    from {{ ref('experiment_responses') }} as responses
    left join (
        select member_id, max(subscription) as subscription
        from {{ ref('stg_member_subscriptions') }}
        where started_date < {{ as_of_date() }} and (ended_date is null or ended_date >= {{ as_of_date() }})
        group by member_id
    ) as profiles on responses.member_id = profiles.member_id
    where responses.origin = 'simulation' and responses.channel = 'feed' and responses.variant in ('m105_history', 'm105_daily')
    group by all
),

segments as (
    select
        case when is_subscriber then 'of subscribers' else 'of others' end as segment,
        avg(case when variant = 'm105_daily' then engaged end) / avg(case when variant = 'm105_history' then engaged end) - 1 as true_lift
    from members
    group by is_subscriber
),
{%- else %}
with segments as (
    select cast(null as varchar) as segment, cast(null as double) as true_lift
    where false
),
{%- endif %}

online as (
    {{ experiment_report('insight 11') | indent(4) }}
)

select
    'clicks on the feed' as measure,
    lift,
    p_value,
    true_lift,
    paper_lift,
    case when verdict = 'better' then 'as in the paper' else 'not as in the paper' end as verdict
from online
union all
select
    replace(segments.segment, 'of ', 'engaged ') as measure,
    '' as lift,
    '' as p_value,
    {{ as_percentage('segments.true_lift') }} as true_lift,
    {{ as_percentage('paper.value') }} as paper_lift,
    case when segments.true_lift > 0 then 'as in the paper' else 'not as in the paper' end as verdict
from segments
left join {{ ref('paper_values') }} as paper on paper.source = 'insight 11' and segments.segment = paper.name
order by measure
