-- courses that share skills with the member: of the profile, and of what the member engaged with lately
with member_skills as (
    select member_id, term, {{ exact_sum('value') }} as weight
    from {{ ref('latest_member_features') }}
    where feature in ('member_skill', 'member_interest')
    group by member_id, term
),

affinities as (
    select member_skills.member_id, course_skills.course_id, {{ exact_sum('member_skills.weight * course_skills.value') }} as score
    from member_skills
    inner join {{ ref('latest_course_features') }} as course_skills
        on course_skills.feature = 'course_skill' and member_skills.term = course_skills.term
    inner join {{ ref('available_courses') }} as available using (course_id)
    group by member_skills.member_id, course_skills.course_id
)

select member_id, course_id, cast(round(score, 9) as double) as score
from affinities
qualify row_number() over (partition by member_id order by round(score, 9) desc, course_id)
    <= {{ (0.5 * var('candidates_per_member')) | int }}
