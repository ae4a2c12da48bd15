-- Stale is a course of a category that the member's profile skills are in and that the member is not interested in (figure 9):
-- the profile matches, the member does not.
-- Compared are m105 and glmix, for a sample of the members with skills in their profile and five engagements or more.
{{ config(enabled=var('raw_location') == '') }}
with engaged_members as (
    select member_id
    from {{ ref('engagements') }}
    where engaged_date < {{ as_of_date() }}
    group by member_id
    having count(*) >= 5
),

compared_lists as (
    select lists.variant, lists.member_id, lists.courses, {{ list_places('lists.courses') }} as places
    from {{ ref('experiment_lists') }} as lists
    semi join engaged_members on lists.member_id = engaged_members.member_id
    semi join {{ ref('ms01') }} as profile_skills on lists.member_id = profile_skills.member_id
    where lists.variant in ('m105', 'glmix')
    qualify dense_rank() over (order by {{ hash_bucket(['lists.member_id'], 'compared', 1000000) }}, lists.member_id) <= 2000
),

profile_categories as (
    select distinct profile_skills.member_id, skills.category_index
    from {{ ref('ms01') }} as profile_skills
    inner join {{ ref('truth_skills') }} as skills using (skill_id)
),

interests as (
    select
        profile_categories.member_id,
        profile_categories.category_index,
        case
            when members.switch_day <= days.day then {{ entry_of('members.interest_after', 'profile_categories.category_index + 1') }}
            else {{ entry_of('members.interest_before', 'profile_categories.category_index + 1') }}
        end as interest
    from profile_categories
    inner join {{ ref('truth_members') }} as members using (member_id)
    inner join {{ ref('truth_days') }} as days on days.date = {{ as_of_date() }}
)

select
    lists.variant,
    lists.member_id,
    numbers.course_id,
    cast(lists.place as integer) as position,
    interests.interest is not null as is_in_profile,
    coalesce(interests.interest = 0, false) as is_stale
from {{ list_rows('compared_lists', ['variant', 'member_id'], {'courses': 'course_number', 'places': 'place'}) }} as lists
inner join {{ ref('candidate_courses') }} as numbers on lists.course_number = numbers.course_number
inner join {{ ref('truth_courses') }} as courses on numbers.course_id = courses.course_id
left join interests on lists.member_id = interests.member_id and courses.category_index = interests.category_index
