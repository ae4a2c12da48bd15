-- Click rate by slot: what stands further down is seen less
select
    impressions.channel,
    impressions.position,
    count(*) as impressions,
    round(100 * count(clicks.impression_id) / count(*), 2) as per_cent
from staging.stg_impressions as impressions
left join (
    select distinct impression_id
    from staging.stg_engagements
    where action = 'click'
) as clicks using (impression_id)
group by impressions.channel, impressions.position
order by impressions.channel, impressions.position
