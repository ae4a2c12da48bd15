-- What a member engaged with before the day: the courses themselves, the 50 latest, and the mean of the transcript
-- embeddings of those of the 90 days up to the last engagement. A snapshot on the day after each engagement.
{{ config(day='feature_date') }}
{%- set courses_kept = 50 %}
{%- set window_days = 90 %}
with engaged_courses as (
    select distinct member_id, course_id, feature_date - 1 as engaged_date
    from {{ ref('daily_activity') }}
    where engagements > 0
),

snapshot_dates as (
    select distinct member_id, engaged_date + 1 as feature_date
    from engaged_courses
    where {{ is_made_anew('engaged_date + 1') }}
),

engaged_before as (
    select
        snapshot_dates.feature_date,
        snapshot_dates.member_id,
        engaged_courses.course_id,
        max(engaged_courses.engaged_date) as engaged_date
    from snapshot_dates
    inner join engaged_courses
        on snapshot_dates.member_id = engaged_courses.member_id
        and engaged_courses.engaged_date < snapshot_dates.feature_date
    group by snapshot_dates.feature_date, snapshot_dates.member_id, engaged_courses.course_id
),

histories as (
    select feature_date, member_id, course_id, engaged_date
    from engaged_before
    qualify row_number() over (partition by feature_date, member_id order by engaged_date desc, course_id) <= {{ courses_kept }}
),

window_courses as (
    select feature_date, member_id, course_id, count(*) over (partition by feature_date, member_id) as courses
    from histories
    where engaged_date >= feature_date - {{ window_days }}
)

select
    cast(feature_date as date) as feature_date,
    member_id,
    'member_engaged_course' as feature,
    cast(course_id as string) as term,
    cast(1 as double) as value
from histories
union all
select
    cast(window_courses.feature_date as date) as feature_date,
    window_courses.member_id,
    'member_transcript' as feature,
    transcripts.term,
    cast(round({{ exact_sum('transcripts.value') }} / max(window_courses.courses), 9) as double) as value
from window_courses
inner join {{ ref('course_transcript_features') }} as transcripts using (course_id)
group by window_courses.feature_date, window_courses.member_id, transcripts.term
