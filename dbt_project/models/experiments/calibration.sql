-- The simulated world against the paper: what was measured, and whether it lies in the band that the world aims at.
{{ config(enabled=var('raw_location') == '') }}
with first_era as (
    select variant, avg(probability) as click_rate
    from {{ ref('true_probabilities') }}
    where channel = 'feed' and not is_random and day < 25
    group by variant
),

lifts as (
    select
        better.variant || ' over ' || worse.variant || ': true click rate on the feed' as quantity,
        better.click_rate / worse.click_rate - 1 as measured
    from first_era as better
    inner join first_era as worse on cast(substr(better.variant, 2) as integer) = cast(substr(worse.variant, 2) as integer) + 1
),

test_examples as (
    select true_probabilities.probability, examples.label, examples.weight
    from {{ ref('examples') }} as examples
    inner join {{ ref('true_probabilities') }} as true_probabilities
        on examples.impression_id = true_probabilities.impression_id
    where examples.label_set = 'feed_clicks' and examples.split = 'test'
),

-- ROC AUC as the share of (positive, negative) pairs in order
ranked_examples as (
    select
        label,
        weight,
        sum(case when label = 0 then weight else 0 end) over (order by probability) as negatives_below
    from test_examples
),

measures as (
    select mapping || ' skill coverage' as quantity, coverage as measured
    from {{ ref('skill_coverage') }}
    union all
    select mapping || ' precision' as quantity, precision as measured
    from {{ ref('course_skill_quality') }}
    union all
    select mapping || ' recall' as quantity, recall as measured
    from {{ ref('course_skill_quality') }}
    union all
    select 'ms01 member coverage' as quantity, member_coverage as measured
    from {{ ref('skill_coverage') }}
    where mapping = 'ms01'
    union all
    select
        'ms02 member coverage over that of ms01' as quantity,
        max(case when mapping = 'ms02' then member_coverage end) / max(case when mapping = 'ms01' then member_coverage end) as measured
    from {{ ref('skill_coverage') }}
    union all
    select quantity, measured
    from lifts
    union all
    select
        'share of feed impressions to members with a profile skill' as quantity,
        count(skilled.member_id) / cast(count(*) as double) as measured
    from {{ ref('true_probabilities') }} as shown
    left join (select distinct member_id from {{ ref('ms01') }}) as skilled on shown.member_id = skilled.member_id
    where shown.channel = 'feed'
    union all
    select 'm101 ROC AUC on the test days' as quantity, roc_auc as measured
    from {{ ref('offline_metrics') }}
    where variant = 'm101' and split = 'test' and channel = 'feed'
    union all
    select variants.variant || ' ROC AUC less that of m103' as quantity, variants.roc_auc - m103.roc_auc as measured
    from {{ ref('offline_metrics') }} as variants
    inner join {{ ref('offline_metrics') }} as m103 using (split, channel)
    where variants.variant in ('m104', 'm105') and m103.variant = 'm103' and variants.split = 'test' and variants.channel = 'feed'
    union all
    select
        'clicks of managers and above: beginner over advanced courses' as quantity,
        sum(case when courses.difficulty = 'Beginner' then examples.label * examples.weight else 0 end)
        / sum(case when courses.difficulty = 'Beginner' then examples.weight else 0 end)
        / (
            sum(case when courses.difficulty = 'Advanced' then examples.label * examples.weight else 0 end)
            / sum(case when courses.difficulty = 'Advanced' then examples.weight else 0 end)
        ) as measured
    from {{ ref('examples') }} as examples
    inner join {{ ref('stg_members') }} as members using (member_id)
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where examples.label_set = 'feed_clicks' and members.seniority in ('Manager', 'Director', 'Executive')
    union all
    select
        'ROC AUC of the true probability on the test days' as quantity,
        sum(case when label = 1 then weight * negatives_below else 0 end)
        / (sum(case when label = 1 then weight else 0 end) * sum(case when label = 0 then weight else 0 end)) as measured
    from ranked_examples
    union all
    select 'click rate of random traffic on the feed' as quantity, avg(is_click) as measured
    from {{ ref('true_probabilities') }}
    where channel = 'feed' and is_random
    union all
    select
        'mean of click minus true probability in standard errors' as quantity,
        sum(is_click - probability) / sqrt(sum(probability * (1 - probability))) as measured
    from {{ ref('true_probabilities') }}
    union all
    select
        'e-mail opens with context over without' as quantity,
        avg(case when opened_at is not null then 1.0e0 else 0 end) filter (where has_context)
        / avg(case when opened_at is not null then 1.0e0 else 0 end) filter (where not has_context) - 1 as measured
    from {{ ref('stg_email_sends') }}
    union all
    select 'logged propensities of random slots: smallest' as quantity, min(propensity) as measured
    from {{ ref('true_probabilities') }}
    where is_random
)

select
    targets.quantity,
    targets.paper_value,
    cast(round(measures.measured, 6) as double) as measured,
    cast(targets.low as double) as low,
    cast(targets.high as double) as high,
    coalesce(measures.measured between targets.low and targets.high, false) as in_band
from {{ ref('calibration_targets') }} as targets
left join measures using (quantity)
