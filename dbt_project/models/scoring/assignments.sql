-- Which variant a member sees in a channel, by salted hash over the shares of `treatments`. It stands before scoring
-- because only what is assigned is scored.
{{ config(schema='serving') }}
with edges as (
    select
        channel,
        variant,
        sum(share) over (partition by channel order by variant) / sum(share) over (partition by channel) as upper_edge,
        (sum(share) over (partition by channel order by variant) - share) / sum(share) over (partition by channel) as lower_edge
    from {{ ref('treatments') }}
    where share > 0
),

member_channels as (
    select
        members.member_id,
        channels.channel,
        {{ hash_bucket(['channels.channel', 'members.member_id'], 'assignments', 1000000) }} / 1000000.0e0 as draw
    from {{ ref('stg_members') }} as members
    cross join {{ ref('channels') }} as channels
)

select member_channels.member_id, member_channels.channel, edges.variant
from member_channels
inner join edges
    on member_channels.channel = edges.channel
    and member_channels.draw >= round(edges.lower_edge, 9)
    and member_channels.draw < round(edges.upper_edge, 9)
