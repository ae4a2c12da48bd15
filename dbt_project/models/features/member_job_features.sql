-- Skills of the jobs that a member viewed in the 90 days up to the last view, as shares; a snapshot on the day after each
-- day with a view.
{%- set window_days = 90 %}
with viewed_jobs as (
    select distinct member_id, job_id, {{ known_date('job_views', 'viewed_at') }} as viewed_date
    from {{ ref('stg_job_views') }} as job_views
),

snapshot_dates as (
    select distinct member_id, viewed_date + 1 as feature_date
    from viewed_jobs
),

skill_counts as (
    select snapshot_dates.feature_date, snapshot_dates.member_id, job_skills.skill_id, count(*) as views
    from snapshot_dates
    inner join viewed_jobs
        on snapshot_dates.member_id = viewed_jobs.member_id
        and viewed_jobs.viewed_date < snapshot_dates.feature_date
        and viewed_jobs.viewed_date >= snapshot_dates.feature_date - {{ window_days }}
    inner join {{ ref('stg_job_skills') }} as job_skills using (job_id)
    group by snapshot_dates.feature_date, snapshot_dates.member_id, job_skills.skill_id
)

select
    cast(feature_date as date) as feature_date,
    member_id,
    'member_job_skill' as feature,
    cast(skill_id as string) as term,
    cast(round(views / cast(sum(views) over (partition by feature_date, member_id) as double), 12) as double) as value
from skill_counts
