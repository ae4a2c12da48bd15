-- how often each reason is shown among the first ten courses
select
    channel,
    reason,
    count(*) as shown,
    cast(round(100 * count(*) / sum(cast(count(*) as double)) over (partition by channel), 1) as varchar) || ' %' as share,
    min(reason_text) as example
from {{ ref('recommendations') }}
where position <= 10
group by channel, reason
order by channel, shown desc
