{# The parts of a course's text, as course_texts names them. #}
{% macro text_parts() %}{{ return(['title', 'description', 'category', 'section', 'video', 'transcript']) }}{% endmacro %}

{# Words of the longest name that the tagger finds. #}
{% macro longest_name() %}{{ return(8) }}{% endmacro %}

{# Parts in which mentions of related skills count for cs03: a transcript is so long that it mentions a skill related to
   almost any. #}
{% macro related_text_parts() %}{{ return(['title', 'description', 'category', 'section', 'video']) }}{% endmacro %}

{# How many related skills of a skill have features of their own, the most similar first. #}
{% macro related_skills() %}{{ return(4) }}{% endmacro %}

{# The binary features of cs03, in order. #}
{% macro cs03_feature_names() %}
    {% set names = [] %}
    {% for part in text_parts() %}{% do names.append(part ~ '_match') %}{% endfor %}
    {% for rank in range(1, related_skills() + 1) %}
        {% for part in related_text_parts() %}{% do names.append('related_' ~ rank ~ '_' ~ part ~ '_match') %}{% endfor %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{# Binary features of a course and a skill, from the tagger's `tags` (course_id, skill_id, text_part): is the skill found in
   that part of the course's text, and is each of the skills most related to it. A row for every pair with a match of its
   own, and for the pairs that cs03 learns from. A skill found in far more texts than courses are tagged with it is an
   ordinary word there ("word", "to do") and no match. #}
{% macro pair_features(tags) -%}
{%- set common_share = 0.1 %}
{%- set common_ratio = 3 %}
with part_courses as (
    select text_part, count(distinct course_id) as courses
    from {{ ref('course_texts') }}
    group by text_part
),

tag_shares as (
    select cs01.skill_id, count(*) / cast(max(training.courses) as double) as share
    from {{ ref('cs01') }} as cs01
    inner join {{ ref('course_splits') }} as splits on cs01.course_id = splits.course_id and splits.split = 'train'
    cross join (select count(*) as courses from {{ ref('course_splits') }} where split = 'train') as training
    group by cs01.skill_id
),

common_mentions as (
    select mention_counts.skill_id, mention_counts.text_part
    from (
        select skill_id, text_part, count(*) as courses
        from {{ tags }} as tags
        group by skill_id, text_part
    ) as mention_counts
    inner join part_courses using (text_part)
    left join tag_shares using (skill_id)
    where mention_counts.courses
        > part_courses.courses * greatest({{ common_share }}, {{ common_ratio }} * coalesce(tag_shares.share, 0))
),

own_matches as (
    select course_id, skill_id, text_part
    from {{ tags }} as tags
    anti join common_mentions using (skill_id, text_part)
),

related_skills as (
    select
        skill_id,
        related_skill_id,
        row_number() over (partition by skill_id order by similarity desc, related_skill_id) as related_rank
    from {{ ref('skill_correlations') }}
),

related_matches as (
    select own_matches.course_id, related_skills.skill_id, related_skills.related_rank, own_matches.text_part
    from own_matches
    inner join related_skills
        on own_matches.skill_id = related_skills.related_skill_id
        and related_skills.related_rank <= {{ related_skills() }}
    where own_matches.text_part in ('{{ related_text_parts() | join("', '") }}')
),

-- a power of two per feature, so that one number holds all features of a pair
matches as (
    select
        course_id,
        skill_id,
        case text_part
            {%- for part in text_parts() %}
            when '{{ part }}' then {{ 2 ** loop.index0 }}
            {%- endfor %}
        end as matched
    from own_matches
    union all
    select course_id, skill_id, 0 as matched
    from {{ ref('cs03_pairs') }}
    union all
    select
        course_id,
        skill_id,
        case related_rank
            {%- for rank in range(related_skills()) %}
            when {{ rank + 1 }} then case text_part
                {%- for part in related_text_parts() %}
                when '{{ part }}' then {{ 2 ** (text_parts() | length + rank * related_text_parts() | length + loop.index0) }}
                {%- endfor %}
            end
            {%- endfor %}
        end as matched
    from related_matches
    where exists (
        select 1
        from own_matches
        where own_matches.course_id = related_matches.course_id and own_matches.skill_id = related_matches.skill_id
    )
    or exists (
        select 1
        from {{ ref('cs03_pairs') }} as pairs
        where pairs.course_id = related_matches.course_id and pairs.skill_id = related_matches.skill_id
    )
)

select
    course_id,
    skill_id,
    {%- for feature in cs03_feature_names() %}
    cast(case when (bit_or(matched) & {{ 2 ** loop.index0 }}) > 0 then 1 else 0 end as tinyint) as {{ feature }}{{ ',' if not loop.last }}
    {%- endfor %}
from matches
group by course_id, skill_id
{%- endmacro %}

{# A learned course -> skill mapping: what its scores find at the threshold that was best on validation, and what the
   taxonomists tagged, which is known. #}
{% macro learned_course_skills(mapping) -%}
with found as (
    select scores.course_id, scores.skill_id, scores.probability
    from {{ ref(mapping ~ '_scores') }} as scores
    inner join {{ ref('course_skill_thresholds') }} as thresholds
        on thresholds.mapping = '{{ mapping }}' and scores.probability >= thresholds.threshold
)

select
    course_id,
    skill_id,
    cast(case when cs01.skill_id is not null then 1.0e0 else found.probability end as double) as weight,
    case
        when cs01.skill_id is null then 'model'
        when found.skill_id is null then 'taxonomist'
        else 'both'
    end as source
from found
full join {{ ref('cs01') }} as cs01 using (course_id, skill_id)
{%- endmacro %}
