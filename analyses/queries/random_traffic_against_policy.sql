-- What choosing is worth: click rate of courses drawn at random and of those that a variant chose
select
    impressions.channel,
    coalesce(impressions.is_random, false) as is_random,
    count(*) as impressions,
    round(100 * count(clicks.impression_id) / count(*), 2) as per_cent
from staging.stg_impressions as impressions
left join (
    select distinct impression_id
    from staging.stg_engagements
    where action = 'click'
) as clicks using (impression_id)
group by impressions.channel, coalesce(impressions.is_random, false)
order by impressions.channel, is_random
