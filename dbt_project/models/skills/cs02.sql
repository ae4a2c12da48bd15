-- Skill tagger: names and spellings of skills found in the texts of a course, the longest where several overlap. What a
-- spelling means, and how surely, comes from member profiles (alias_meanings), so that ordinary words that spell a skill
-- ("access", "go") are tagged too: high recall of mentions, many of them false (section 3.1).
with spellings as (
    select distinct
        spelling,
        split_part(spelling, ' ', 1) as first_word,
        split_part(spelling, ' ', 2) as second_word,
        1 + length(spelling) - length(replace(spelling, ' ', '')) as words
    from {{ ref('alias_meanings') }}
),

-- names of several words are looked up by their first two, which few places of a text have
first_words as (
    select distinct first_word, second_word, words
    from spellings
    where words between 2 and {{ longest_name() }}
),

windows as (
    select
        windows.course_id,
        windows.text_part,
        windows.position,
        first_words.words,
        case first_words.words
            {%- for n in range(2, longest_name() + 1) %}
            when {{ n }} then {% for k in range(1, n + 1) %}windows.word_{{ k }}{{ " || ' ' || " if not loop.last }}{% endfor %}
            {%- endfor %}
        end as spelling
    from {{ word_windows(ref('course_texts'), ['course_id', 'text_part'], longest_name()) }} as windows
    inner join first_words
        on windows.word_1 = first_words.first_word and windows.word_2 = first_words.second_word
),

matches as (
    select windows.course_id, windows.text_part, windows.position, windows.words, windows.spelling
    from windows
    semi join spellings using (spelling)
),

-- a match inside a longer one is part of that name
longest_matches as (
    select course_id, text_part, position, words, spelling
    from (
        select
            matches.*,
            max(position + words) over (
                partition by course_id, text_part
                order by position, words desc
                rows between unbounded preceding and 1 preceding
            ) as covered_to
        from matches
    ) as overlapping
    where covered_to is null or position + words > covered_to
),

-- and so is a name of one word
covered_words as (
    select course_id, text_part, word, count(*) as count
    from (
        {%- for k in range(1, longest_name() + 1) %}
        select course_id, text_part, position + {{ k - 1 }} as position, split_part(spelling, ' ', {{ k }}) as word
        from longest_matches
        where words >= {{ k }}
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ) as covered
    group by course_id, text_part, word
),

spelling_counts as (
    select course_id, text_part, spelling, count(*) as mentions
    from longest_matches
    group by course_id, text_part, spelling
    union all
    select
        counts.course_id,
        counts.text_part,
        counts.word as spelling,
        counts.count - coalesce(covered_words.count, 0) as mentions
    from {{ ref('course_words') }} as counts
    inner join spellings on spellings.words = 1 and counts.word = spellings.spelling
    left join covered_words
        on counts.course_id = covered_words.course_id
        and counts.text_part = covered_words.text_part
        and counts.word = covered_words.word
    where counts.count > coalesce(covered_words.count, 0)
)

select
    spelling_counts.course_id,
    meanings.skill_id,
    spelling_counts.text_part,
    cast(max(meanings.probability) as double) as score,
    cast(sum(spelling_counts.mentions) as bigint) as mentions
from spelling_counts
inner join {{ ref('alias_meanings') }} as meanings using (spelling)
group by spelling_counts.course_id, meanings.skill_id, spelling_counts.text_part
