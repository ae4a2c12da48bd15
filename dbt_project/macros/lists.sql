{# Whether a course counts as new on the day of the lists: it came out in the 30 days before. #}
{% macro is_new_course(released_date) -%}
    ({{ released_date }} < {{ as_of_date() }} and {{ released_date }} >= {{ as_of_date() }} - 30)
{%- endmacro %}

{# What fills lists that a variant has too few scores for: the latest releases that are not in them. `short_lists` are relations'
   rows of (variant, member_id, scored_courses, ...), `scored` those of (variant, member_id, course_id); m001's scores go down
   from -1, and what a list has already, or the member had, takes some of them. #}
{% macro latest_releases_behind(short_lists, scored, length) -%}
    select short_lists.*, m001.course_id, m001.score as recency_score
    from {{ short_lists }} as short_lists
    inner join {{ ref('m001') }} as m001 on m001.score >= -(2 * {{ length }} + short_lists.scored_courses)
    anti join {{ ref('excluded_courses') }} as excluded_courses
        on short_lists.member_id = excluded_courses.member_id and m001.course_id = excluded_courses.course_id
    anti join {{ scored }} as scored
        on short_lists.variant = scored.variant
        and short_lists.member_id = scored.member_id
        and m001.course_id = scored.course_id
{%- endmacro %}
