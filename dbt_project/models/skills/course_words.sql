-- how often each word stands in the texts of a course, by part
select course_id, text_part, word, cast(count(*) as integer) as count
from {{ word_rows(ref('course_texts'), ['course_id', 'text_part'], 'words') }} as words
where word <> '|'
group by course_id, text_part, word
