-- what the tagger could read of the catalogue, by language: a script or language it knows no name in shows as courses with
-- words and without a tag
with word_counts as (
    select course_id, sum(count) as words
    from {{ ref('course_words') }}
    where text_part <> 'category'
    group by course_id
),

tag_counts as (
    select course_id, count(distinct skill_id) as skills
    from {{ ref('cs02') }}
    where text_part <> 'category'
    group by course_id
)

select
    coalesce(courses.language, 'unknown') as language,
    count(*) as courses,
    count(case when word_counts.words > 0 then 1 end) as courses_with_words,
    count(tag_counts.course_id) as courses_tagged,
    cast(coalesce(sum(word_counts.words), 0) as bigint) as words,
    cast(coalesce(sum(tag_counts.skills), 0) as bigint) as tags
from {{ ref('stg_courses') }} as courses
left join word_counts using (course_id)
left join tag_counts using (course_id)
group by coalesce(courses.language, 'unknown')
