-- how often a course was shown to a member in the last 14 days, where the member engaged with it in none of these days
{%- set window_days = 14 %}
with recent_impressions as (
    select member_id, course_id, count(*) as impressions
    from {{ ref('stg_impressions') }}
    where served_at < {{ as_of_date() }} and served_at >= {{ as_of_date() }} - {{ window_days }}
    group by member_id, course_id
),

recent_engagements as (
    select distinct member_id, course_id
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }} and engaged_date >= {{ as_of_date() }} - {{ window_days }}
)

select member_id, course_id, cast(impressions as integer) as impressions
from recent_impressions
anti join recent_engagements using (member_id, course_id)
