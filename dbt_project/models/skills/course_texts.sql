-- the words of a course's texts by part, in pieces
with texts as {{ materialized() }} (
    select course_id, 'title' as text_part, title as text
    from {{ ref('stg_courses') }}
    union all
    select course_id, 'description' as text_part, description as text
    from {{ ref('stg_courses') }}
    where description is not null
    union all
    select
        course_categories.course_id,
        'category' as text_part,
        {{ joined_texts('categories.name', 'categories.category_id') }} as text
    from {{ ref('stg_course_categories') }} as course_categories
    inner join {{ ref('stg_categories') }} as categories using (category_id)
    group by course_categories.course_id
    union all
    select course_id, 'section' as text_part, {{ joined_texts('name', 'section_number') }} as text
    from {{ ref('stg_course_sections') }}
    group by course_id
    union all
    select course_id, 'video' as text_part, {{ joined_texts('name', 'section_number, video_number') }} as text
    from {{ ref('stg_course_videos') }}
    group by course_id
    union all
    select course_id, 'transcript' as text_part, transcript as text
    from {{ ref('stg_course_transcripts') }}
),

word_texts as (
    select course_id, text_part, {{ words_of('text') }} as words
    from texts
)

select
    course_id,
    text_part,
    cast(first_position as integer) as first_position,
    words,
    words_behind
from {{ word_pieces('word_texts', ['course_id', 'text_part'], 'words', size=32, behind=longest_name() - 1) }} as pieces
