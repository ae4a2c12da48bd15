-- What cs03 learns from: the taxonomists' pairs of the training courses, and as many random pairs of a training course
-- and any skill.
with training_courses as (
    select course_id, row_number() over (order by course_id) - 1 as course_number
    from {{ ref('course_splits') }}
    where split = 'train'
),

skills as (
    select skill_id, row_number() over (order by skill_id) - 1 as skill_number
    from {{ ref('stg_skills') }}
),

positives as (
    select
        cs01.course_id,
        cs01.skill_id,
        row_number() over (order by cs01.course_id, cs01.skill_id) as draw_number
    from {{ ref('cs01') }} as cs01
    inner join training_courses using (course_id)
),

sizes as (
    select
        (select count(*) from training_courses) as courses,
        (select count(*) from skills) as skills,
        (select count(*) from positives) as positives
),

-- twice as many draws as are needed: some repeat a pair, or are positives
draws as (
    select
        draw_number,
        {{ hash_bucket(['draw_number'], 'cs03_course', 1000000007) }} % sizes.courses as course_number,
        {{ hash_bucket(['draw_number'], 'cs03_skill', 1000000007) }} % sizes.skills as skill_number
    from (
        select draw_number
        from positives
        union all
        select draw_number + sizes.positives as draw_number
        from positives
        cross join sizes
    ) as numbers
    cross join sizes
),

random_pairs as (
    select training_courses.course_id, skills.skill_id, min(draws.draw_number) as draw_number
    from draws
    inner join training_courses using (course_number)
    inner join skills using (skill_number)
    anti join positives on training_courses.course_id = positives.course_id and skills.skill_id = positives.skill_id
    group by training_courses.course_id, skills.skill_id
)

select course_id, skill_id, cast(1 as integer) as label, 'taxonomist' as label_source
from positives
union all
select course_id, skill_id, cast(0 as integer) as label, 'random_negative' as label_source
from (
    select course_id, skill_id
    from random_pairs
    qualify row_number() over (order by draw_number) <= (select positives from sizes)
) as kept
