-- Experiments drawn again and again: 512 times every member of the feed falls into one of eight arms, of which two take part.
-- In the A/A test both arms see m105_history; in the other, one sees m005, and the whole population tells the lift. Arms are
-- small: of a large share of all members, means vary less than their variances say (Neyman 1923). Three bits of a hash are an
-- arm: sixteen draws a hash.
{{ config(enabled=var('raw_location') == '') }}
with members as (
    select
        member_id,
        sum(case when variant = 'm005' then clicks else 0 end) as m005_clicks,
        sum(case when variant = 'm005' then impressions else 0 end) as m005_impressions,
        sum(case when variant = 'm105_history' then clicks else 0 end) as clicks,
        sum(case when variant = 'm105_history' then impressions else 0 end) as impressions
    from {{ ref('experiment_responses') }}
    where origin = 'simulation' and channel = 'feed' and variant in ('m005', 'm105_history')
    group by member_id
),

before as (
    select
        impressions.member_id,
        count(*) as impressions,
        sum(impressions.is_click) as clicks
    from {{ ref('logged_impressions') }} as impressions
    where impressions.channel = 'feed'
        and impressions.served_at < {{ as_of_date() }}
        and impressions.served_at >= {{ as_of_date() }} - 28
    group by impressions.member_id
),

hashes as (
    select
        member_id,
        blocks.number as block,
        {{ hash_bucket(['member_id', 'blocks.number'], 'repetitions', 281474976710656) }} as bits
    from members
    cross join {{ numbers(32) }} as blocks
),

drawn as (
    select hashes.member_id, 16 * hashes.block + draws.number as repetition, cast(floor(hashes.bits / pow(8, draws.number)) as bigint) % 8 as arm
    from hashes
    cross join {{ numbers(16) }} as draws
),

shown as (
    select
        drawn.repetition,
        tests.test,
        drawn.arm = 0 as is_baseline,
        case when tests.test <> 'A/A' and drawn.arm = 0 then members.m005_clicks else members.clicks end as x,
        case when tests.test <> 'A/A' and drawn.arm = 0 then members.m005_impressions else members.impressions end as y,
        coalesce(before.clicks, 0) as u,
        coalesce(before.impressions, 0) as v
    from drawn
    inner join members on drawn.member_id = members.member_id
    left join before on drawn.member_id = before.member_id
    cross join (
        select 'A/A' as test
        union all
        select 'history over m005' as test
    ) as tests
    where drawn.arm < 2
),

whole as (
    select
        sum(m005_clicks) / cast(sum(m005_impressions) as double) as m005_value,
        sum(clicks) / cast(sum(impressions) as double) as value
    from members
)

select
    shown.test,
    cast(shown.repetition as integer) as repetition,
    shown.is_baseline,
    count(*) as members,
    {{ sums_and_products() }},
    max(case when shown.test <> 'A/A' and shown.is_baseline then whole.m005_value else whole.value end) as whole_value
from shown
cross join whole
group by shown.test, shown.repetition, shown.is_baseline
