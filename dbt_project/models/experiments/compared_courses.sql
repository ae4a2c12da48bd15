-- Stale is a course of a category that the member's profile skills are in and that the member is not interested in (figure 9):
-- the profile matches, the member does not.
{{ config(enabled=var('raw_location') == '') }}
with profile_categories as (
    select distinct profile_skills.member_id, skills.category_index
    from {{ ref('ms01') }} as profile_skills
    inner join {{ ref('truth_skills') }} as skills using (skill_id)
),

interests as (
    select
        profile_categories.member_id,
        profile_categories.category_index,
        case
            when members.switch_day <= days.day then members.interest_after[profile_categories.category_index + 1]
            else members.interest_before[profile_categories.category_index + 1]
        end as interest
    from profile_categories
    inner join {{ ref('truth_members') }} as members using (member_id)
    inner join {{ ref('truth_days') }} as days on days.date = {{ as_of_date() }}
)

select
    lists.variant,
    lists.member_id,
    lists.course_id,
    cast(row_number() over (
        partition by lists.variant, lists.member_id order by round(lists.score, 9) desc, lists.course_id
    ) as integer) as position,
    interests.interest is not null as is_in_profile,
    coalesce(interests.interest = 0, false) as is_stale
from {{ ref('compared_scores') }} as lists
inner join {{ ref('truth_courses') }} as courses on lists.course_id = courses.course_id
left join interests on lists.member_id = interests.member_id and courses.category_index = interests.category_index
