-- What `off_policy` needs of each policy: sums over members of rows (n), weights (w), weighted clicks (r) and the doubly robust
-- terms (d), and of their products. The weight of a logged course is the policy's probability to show it in its slot over
-- the log's: a list shows the course at its one place, on the page that opens so often. The direct model expects a click
-- with the probability of its variant, times what the slot of the log gets of all slots.
{%- set recent_days = 28 %}
with slot_clicks as (
    select
        impressions.channel,
        impressions.position,
        sum(impressions.is_click) / cast(count(*) as double) as click_rate
    from {{ ref('logged_impressions') }} as impressions
    where impressions.served_at < {{ as_of_date() }} and impressions.served_at >= {{ as_of_date() }} - {{ recent_days }}
    group by impressions.channel, impressions.position
),

slots as (
    select
        channel,
        position,
        count(*) over (partition by channel) as slots,
        coalesce(click_rate / nullif(avg(click_rate) over (partition by channel), 0), 1) as attention
    from slot_clicks
),

pages as (
{%- if var('raw_location') == '' %}
    select 'simulation' as origin, channels.channel, pages.number as page, {{ entry_of('channels.page_shares', 'pages.number + 1') }} as share
    from {{ ref('truth_channels') }} as channels
    inner join {{ numbers(8) }} as pages on pages.number < {{ list_length('channels.page_shares') }}
    union all
{%- endif %}
    select 'log' as origin, channel, 0 as page, 1.0e0 as share
    from {{ ref('channels') }}
),

expected as (
    select member_id, course_number, 1 / (1 + exp(-score)) as click_rate
    from {{ list_rows(ref('direct_lists'), ['member_id'], {'courses': 'course_number', 'scores': 'score'}) }}
),

placed as (
    select
        lists.variant,
        logged.origin,
        logged.channel,
        logged.member_id,
        logged.position,
        logged.course_number,
        logged.propensity,
        logged.click,
        slots.slots,
        slots.attention,
        {{ place_in_list('lists.courses', 'logged.course_number') }} as course_place,
        {{ entry_of('lists.courses', 'logged.place + logged.position') }} as policy_course
    from {{ ref('off_policy_log') }} as logged
    inner join {{ ref('off_policy_lists') }} as lists on logged.member_id = lists.member_id
    inner join slots on logged.channel = slots.channel and logged.position = slots.position
),

weighted as (
    select
        placed.variant,
        placed.channel,
        placed.member_id,
        coalesce(pages.share, 0) / placed.propensity as weight,
        placed.click,
        coalesce(least(placed.attention * of_logged.click_rate, 1), 0) as predicted,
        coalesce(least(placed.attention * of_policy.click_rate, 1), 0) as direct
    from placed
    left join pages
        on placed.origin = pages.origin
        and placed.channel = pages.channel
        and placed.course_place = pages.page * placed.slots + placed.position
    left join expected as of_logged
        on placed.member_id = of_logged.member_id and placed.course_number = of_logged.course_number
    left join expected as of_policy
        on placed.member_id = of_policy.member_id and placed.policy_course = of_policy.course_number
),

members as (
    select
        variant,
        channel,
        member_id,
        cast(count(*) as double) as n,
        {{ exact_sum('weight') }} as w,
        {{ exact_sum('weight * click') }} as r,
        {{ exact_sum('direct + weight * (click - predicted)') }} as d,
        {{ exact_sum('direct') }} as direct,
        {{ exact_sum('weight * weight') }} as squared_weights
    from weighted
    group by variant, channel, member_id
),

true_rates as (
    {{ true_values() | indent(4) }}
)

select
    members.variant,
    members.channel,
    count(*) as members
    {%- for product in ('n', 'w', 'r', 'd', 'direct', 'squared_weights', 'n * n', 'n * w', 'n * r', 'n * d', 'w * w', 'w * r', 'w * d', 'r * r', 'r * d', 'd * d') %},
    {{ exact_sum('members.' ~ product | replace(' * ', ' * members.')) }} as {{ product | replace(' * ', '') }}
    {%- endfor %},
    max(true_rates.true_value) as true_value
from members
left join true_rates on members.variant = true_rates.variant and members.channel = true_rates.channel
group by members.variant, members.channel
