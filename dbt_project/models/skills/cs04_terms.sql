-- Words of the transcripts as TF-IDF: (1 + ln count) * (1 + ln((1 + courses) / (1 + courses with the word))), rows of unit
-- length. The words that most courses use, of those that at least two use. Where titles are read too, a word of the title
-- counts as three.
{%- set vocabulary = 5000 %}
{%- set title_count = 3 %}
with word_counts as (
    select course_id, word as term, sum(case when text_part = 'title' then {{ title_count }} else 1 end * count) as count
    from {{ ref('course_words') }}
    where text_part in ('{{ var('cs04_text_parts').split('|') | join("', '") }}')
    group by course_id, word
),

courses as (
    select count(distinct course_id) as courses
    from word_counts
),

terms as (
    select term, courses
    from (
        select term, count(*) as courses
        from word_counts
        group by term
        having count(*) >= 2
    ) as common_terms
    qualify row_number() over (order by courses desc, term) <= {{ vocabulary }}
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
    select course_id, sqrt({{ exact_sum('weight * weight') }}) as length
    from weighed
    group by course_id
)

select weighed.course_id, weighed.term, cast(round(weighed.weight / lengths.length, 9) as double) as value
from weighed
inner join lengths using (course_id)
