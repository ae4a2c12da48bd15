-- Impressions, clicks and click rate of each channel, day by day
select
    impressions.channel,
    cast(impressions.served_at as date) as day,
    count(*) as impressions,
    count(clicks.impression_id) as clicks,
    round(100 * count(clicks.impression_id) / count(*), 2) as per_cent
from staging.stg_impressions as impressions
left join (
    select distinct impression_id
    from staging.stg_engagements
    where action = 'click'
) as clicks using (impression_id)
group by impressions.channel, day
order by impressions.channel, day
