-- How much of the ten highest places goes to stale courses (figure 9), with a 95 % interval over members; and how much of
-- those places that match a skill of the profile, which a list that follows popularity has few of.
{{ config(enabled=var('raw_location') == '') }}
with member_counts as (
    select
        variant,
        member_id,
        count(*) as courses,
        sum(case when is_in_profile then 1 else 0 end) as profile_courses,
        sum(case when is_stale then 1 else 0 end) as stale_courses
    from {{ ref('compared_courses') }}
    where position <= 10
    group by variant, member_id
),

member_shares as (
    select variant, courses, profile_courses, stale_courses, stale_courses / cast(courses as double) as stale_share
    from member_counts
)

select
    variant,
    cast(count(*) as bigint) as members,
    cast(sum(courses) as bigint) as courses,
    cast(round(avg(stale_share), 9) as double) as stale_share,
    cast(round(avg(stale_share) - 1.96e0 * stddev_samp(stale_share) / sqrt(count(*)), 9) as double) as stale_share_low,
    cast(round(avg(stale_share) + 1.96e0 * stddev_samp(stale_share) / sqrt(count(*)), 9) as double) as stale_share_high,
    cast(sum(profile_courses) as bigint) as profile_courses,
    cast(round(sum(stale_courses) / nullif(cast(sum(profile_courses) as double), 0), 9) as double) as stale_profile_share
from member_shares
group by variant
