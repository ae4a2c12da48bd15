-- Skill tagger: names and spellings of skills found in the texts of a course, the longest where several overlap. What a
-- spelling means, and how surely, comes from member profiles (alias_meanings), so that ordinary words that spell a skill
-- ("access", "go") are tagged too: high recall of mentions, many of them false (section 3.1).
{%- set longest = 8 %}
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
    where words between 2 and {{ longest }}
),

windows as (
    select windows.*, first_words.words
    from {{ word_windows(ref('course_texts'), ['course_id', 'text_part'], 'words', longest) }} as windows
    inner join first_words
        on windows.word_1 = first_words.first_word and windows.word_2 = first_words.second_word
),

matches as (
    select
        windows.course_id,
        windows.text_part,
        windows.position,
        windows.position + windows.words as position_behind,
        spellings.spelling
    from windows
    inner join spellings
        on windows.words = spellings.words
        and spellings.spelling = case windows.words
            {%- for n in range(2, longest + 1) %}
            when {{ n }} then {% for k in range(1, n + 1) %}windows.word_{{ k }}{{ " || ' ' || " if not loop.last }}{% endfor %}
            {%- endfor %}
        end
    union all
    select
        windows.course_id,
        windows.text_part,
        windows.position,
        windows.position + 1 as position_behind,
        spellings.spelling
    from {{ word_windows(ref('course_texts'), ['course_id', 'text_part'], 'words', 1) }} as windows
    inner join spellings on spellings.words = 1 and windows.word_1 = spellings.spelling
),

-- a match inside a longer one is part of that name
longest_matches as (
    select course_id, text_part, spelling, position_behind, covered_to
    from (
        select
            matches.*,
            max(position_behind) over (
                partition by course_id, text_part
                order by position, position_behind desc
                rows between unbounded preceding and 1 preceding
            ) as covered_to
        from matches
    ) as overlapping
    where covered_to is null or position_behind > covered_to
),

spelling_counts as (
    select course_id, text_part, spelling, count(*) as mentions
    from longest_matches
    group by course_id, text_part, spelling
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
