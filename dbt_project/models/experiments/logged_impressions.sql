-- the impressions of the log, with what became of them
{{ config(materialized='view') }}
select
    impressions.impression_id,
    impressions.member_id,
    impressions.course_id,
    impressions.channel,
    impressions.platform,
    impressions.position,
    impressions.variant,
    impressions.is_random,
    impressions.propensity,
    impressions.served_at,
    cast(case when clicks.impression_id is not null then 1 else 0 end as integer) as is_click
from {{ ref('stg_impressions') }} as impressions
left join (
    select distinct impression_id
    from {{ ref('stg_engagements') }}
    where action = 'click'
) as clicks on impressions.impression_id = clicks.impression_id
