-- All that the statistics of an experiment need: of each arm, up to each day, the sums over members of the numerator x and the
-- denominator y of a metric, of the same two in the 28 days before (u, v), and of their products.
{%- set pre_period_days = 28 %}
with started as (
    select experiment, min(first_date) as first_date
    from {{ ref('experiment_exposures') }}
    group by experiment
),

before as (
    select
        exposures.experiment,
        exposures.member_id,
        count(*) as impressions,
        sum(impressions.is_click) as clicks
    from {{ ref('experiment_exposures') }} as exposures
    inner join started on exposures.experiment = started.experiment
    inner join {{ ref('experiments') }} as experiments on exposures.experiment = experiments.experiment
    inner join {{ ref('logged_impressions') }} as impressions
        on exposures.member_id = impressions.member_id
        and experiments.channel = impressions.channel
        and impressions.served_at < started.first_date
        and impressions.served_at >= started.first_date - {{ pre_period_days }}
    group by exposures.experiment, exposures.member_id
),

sent_before as (
    select
        exposures.experiment,
        exposures.member_id,
        count(*) as sends,
        count(sends.opened_at) as opens
    from {{ ref('experiment_exposures') }} as exposures
    inner join started on exposures.experiment = started.experiment
    inner join {{ ref('experiments') }} as experiments
        on exposures.experiment = experiments.experiment and experiments.channel = 'email'
    inner join {{ ref('stg_email_sends') }} as sends
        on exposures.member_id = sends.member_id
        and sends.sent_at < started.first_date
        and sends.sent_at >= started.first_date - {{ pre_period_days }}
    group by exposures.experiment, exposures.member_id
),

member_days as (
    select
        exposures.experiment,
        exposures.variant,
        exposures.member_id,
        responses.date,
        responses.impressions,
        responses.personal_impressions,
        responses.clicks,
        responses.sends,
        responses.opens
    from {{ ref('experiment_exposures') }} as exposures
    inner join {{ ref('experiments') }} as experiments on exposures.experiment = experiments.experiment
    inner join {{ ref('experiment_responses') }} as responses
        on experiments.origin = responses.origin
        and experiments.channel = responses.channel
        and exposures.variant = responses.variant
        and exposures.member_id = responses.member_id
        and responses.date >= coalesce(experiments.first_date, responses.date)
        and responses.date <= coalesce(experiments.last_date, responses.date)
),

looks as (
    select
        experiment,
        date,
        row_number() over (partition by experiment order by date) as look,
        row_number() over (partition by experiment order by date desc) = 1 as is_last_look
    from (select distinct experiment, date from member_days) as dates
),

totals as (
    select
        member_days.experiment,
        member_days.variant,
        member_days.member_id,
        looks.look,
        looks.is_last_look,
        sum(member_days.impressions) as impressions,
        sum(member_days.personal_impressions) as personal_impressions,
        sum(member_days.clicks) as clicks,
        sum(member_days.sends) as sends,
        sum(member_days.opens) as opens
    from member_days
    inner join looks on member_days.experiment = looks.experiment and member_days.date <= looks.date
    group by member_days.experiment, member_days.variant, member_days.member_id, looks.look, looks.is_last_look
),

measured as (
    select
        totals.experiment,
        totals.variant,
        totals.look,
        totals.is_last_look,
        metrics.metric,
        totals.impressions,
        totals.personal_impressions,
        case metrics.metric when 'click_rate' then totals.clicks when 'open_rate' then totals.opens else least(totals.clicks, 1) end as x,
        case metrics.metric when 'click_rate' then totals.impressions when 'open_rate' then totals.sends else 1 end as y,
        case metrics.metric
            when 'click_rate' then coalesce(before.clicks, 0)
            when 'open_rate' then coalesce(sent_before.opens, 0)
            else least(coalesce(before.clicks, 0), 1)
        end as u,
        coalesce(case when metrics.metric = 'open_rate' then sent_before.sends else before.impressions end, 0) as v
    from totals
    cross join (
        select 'click_rate' as metric
        union all
        select 'engaged_learners' as metric
        union all
        select 'open_rate' as metric
    ) as metrics
    left join before on totals.experiment = before.experiment and totals.member_id = before.member_id
    left join sent_before on totals.experiment = sent_before.experiment and totals.member_id = sent_before.member_id
    where metrics.metric <> 'open_rate' or totals.sends > 0
),

{% if var('raw_location') == '' -%}
member_truths as (
    select
        variant,
        channel,
        member_id,
        sum(impressions) as impressions,
        {{ exact_sum('expected_clicks') }} as expected_clicks,
        {{ exact_sum('coalesce(log_no_click, 0)') }} as log_no_click,
        sum(sends) as sends,
        {{ exact_sum('expected_opens') }} as expected_opens
    from {{ ref('experiment_responses') }}
    where origin = 'simulation'
    group by variant, channel, member_id
),

truths as (
    select variant, channel, 'click_rate' as metric, {{ exact_sum('expected_clicks') }} / sum(impressions) as true_value
    from member_truths
    group by variant, channel
    union all
    select variant, channel, 'engaged_learners' as metric, {{ exact_sum('1 - exp(log_no_click)') }} / count(*) as true_value
    from member_truths
    group by variant, channel
    union all
    select variant, channel, 'open_rate' as metric, {{ exact_sum('expected_opens') }} / sum(sends) as true_value
    from member_truths
    where sends > 0
    group by variant, channel
),
{%- else -%}
truths as (
    select cast(null as string) as variant, cast(null as string) as channel, cast(null as string) as metric, cast(null as double) as true_value
    where false
),
{%- endif %}

moments as (
    select
        experiment,
        metric,
        variant,
        look,
        is_last_look,
        sum(personal_impressions) / nullif(cast(sum(impressions) as double), 0) as coverage,
        count(*) as members,
        {{ sums_and_products() }}
    from measured
    group by experiment, metric, variant, look, is_last_look
)

select
    moments.experiment,
    experiments.channel,
    moments.metric,
    moments.variant,
    arms.is_baseline,
    arms.share,
    cast(moments.look as integer) as look,
    moments.is_last_look,
    experiments.origin = 'log' as is_log,
    moments.coverage,
    moments.members
    {%- for sum in ('x', 'y', 'u', 'v', 'xx', 'xy', 'xu', 'xv', 'yy', 'yu', 'yv', 'uu', 'uv', 'vv') %},
    moments.{{ sum }}
    {%- endfor %},
    truths.true_value
from moments
inner join {{ ref('experiments') }} as experiments using (experiment)
inner join {{ ref('experiment_arms') }} as arms on moments.experiment = arms.experiment and moments.variant = arms.variant
left join truths
    on experiments.origin = 'simulation'
    and experiments.channel = truths.channel
    and moments.metric = truths.metric
    and moments.variant = truths.variant
