-- The key-value store (figure 8) under contract: the record as the encoder wrote it, and beside the lists what the member did
-- before the build that changes them as they are read.
{{ config(materialized='view') }}
with hidden_courses as (
    select hidden.member_id, list(cards.course_number order by cards.course_number) as hidden
    from (
        select member_id, course_id
        from {{ ref('dismissals') }}
        union
        select member_id, course_id
        from {{ ref('excluded_courses') }}
    ) as hidden
    inner join {{ ref('course_cards') }} as cards on hidden.course_id = cards.course_id
    group by hidden.member_id
),

followed_courses as (
    select
        skills.member_id,
        list(
            {'course_number': taught.course_number, 'reason_number': taught.reason_number}
            order by taught.skill_rank, taught.reason_number
        ) as followed
    from {{ ref('followed_skills') }} as skills
    inner join {{ ref('followed_skill_courses') }} as taught on skills.skill_id = taught.skill_id
    group by skills.member_id
)

-- names in full: a function that reads this view may have a parameter of the same name
select
    encoded.member_id,
    encoded.courses,
    encoded.reasons,
    encoded.rankings,
    encoded.scores,
    encoded.treatments,
    hidden_courses.hidden,
    followed_courses.followed
from {{ ref('encoded_recommendations') }} as encoded
left join hidden_courses on encoded.member_id = hidden_courses.member_id
left join followed_courses on encoded.member_id = followed_courses.member_id
