-- Is the skill that a reason names still of interest? Of the reasons in the first ten places of each variant that name one:
-- how many name a skill of which the member engaged with a course, or which the member followed, in the last 28 days. Who did
-- nothing at all in these days cannot show an interest; `of_active` leaves them out.
{%- set window_days = 28 %}
with named_skills as (
    select scores.variant, best_reasons.reason, scores.member_id, best_reasons.skill_id
    from {{ ref('scores') }} as scores
    inner join {{ ref('best_reasons') }} as best_reasons
        on scores.member_id = best_reasons.member_id and scores.course_id = best_reasons.course_id
    where scores.position <= 10 and best_reasons.skill_id is not null
),

recent_skills as (
    select engagements.member_id, course_skills.term as skill_id
    from {{ ref('engagements') }} as engagements
    inner join {{ ref('latest_course_features') }} as course_skills
        on engagements.course_id = course_skills.course_id and course_skills.feature = 'course_skill'
    where engagements.engaged_date < {{ as_of_date() }} and engagements.engaged_date >= {{ as_of_date() }} - {{ window_days }}
    union
    select member_id, cast(skill_id as varchar) as skill_id
    from {{ ref('stg_followed_skills') }}
    where followed_at < {{ as_of_date() }} and followed_at >= {{ as_of_date() }} - {{ window_days }}
),

active_members as (
    select member_id
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }} and engaged_date >= {{ as_of_date() }} - {{ window_days }}
    union
    select member_id
    from recent_skills
),

audited as (
    select
        named_skills.variant,
        named_skills.reason,
        named_skills.member_id,
        case when recent_skills.member_id is not null then 1 else 0 end as is_of_interest,
        case when active_members.member_id is not null then 1 else 0 end as is_active
    from named_skills
    left join recent_skills
        on named_skills.member_id = recent_skills.member_id
        and cast(named_skills.skill_id as varchar) = recent_skills.skill_id
    left join active_members on named_skills.member_id = active_members.member_id
)

select
    variant,
    reason,
    count(*) as shown,
    printf('%.1f %%', 100 * avg(is_of_interest)) as of_interest,
    coalesce(printf('%.1f %%', 100 * sum(is_of_interest) / nullif(sum(is_active), 0)), '') as of_active,
    count(distinct member_id) as members,
    printf('%.1f %%', 100 * count(distinct case when is_active = 1 then member_id end) / count(distinct member_id)) as active_members
from audited
group by variant, reason
order by variant, reason
