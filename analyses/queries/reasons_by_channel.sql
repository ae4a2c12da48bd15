-- Which reasons the first ten places of a list carry, by channel
select
    channel,
    reason,
    count(*) as places,
    round(100 * count(*) / sum(count(*)) over (partition by channel), 1) as per_cent
from serving.recommendations
where position <= 10
group by channel, reason
order by channel, places desc
