-- Words of the transcripts as TF-IDF: (1 + ln count) * (1 + ln((1 + courses) / (1 + courses with the word))), rows of unit
-- length. The words that most courses use, of those that at least two use.
{%- set vocabulary = 5000 %}
with word_counts as (
    select course_id, word_1 as term, count(*) as count
    from {{ word_windows(
        '(select course_id, words from ' ~ ref('course_texts') ~ " where text_part in ('" ~ var('cs04_text_parts').split('|') | join("', '") ~ "'))",
        ['course_id'], 'words', 1
    ) }} as windows
    where word_1 <> '|'
    group by course_id, word_1
),

courses as (
    select count(distinct course_id) as courses
    from word_counts
),

terms as (
    select term, count(*) as courses
    from word_counts
    group by term
    having count(*) >= 2
    qualify row_number() over (order by count(*) desc, term) <= {{ vocabulary }}
),

weighed as (
    select
        word_counts.course_id,
        word_counts.term,
        (1 + ln(word_counts.count)) * (1 + ln((1 + courses.courses) / (1.0e0 + terms.courses))) as weight
    from word_counts
    inner join terms using (term)
    cross join courses
),

lengths as (
    select course_id, sqrt(sum(weight * weight)) as length
    from weighed
    group by course_id
)

select weighed.course_id, weighed.term, cast(round(weighed.weight / lengths.length, 9) as double) as value
from weighed
inner join lengths using (course_id)
