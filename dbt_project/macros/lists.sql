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

{# What ends a query with `wanted`, the lists (variant, member_id) to make, and `recommendable`, their courses with scores: the
   lists, in rows. Where fewer courses have a score than a list is long, the latest releases follow, so everybody has a full
   list. `score` is the variant's; the position is the place by score, k, moved by what happens to the list afterwards: the order
   of k * (1 + impression_discount * impressions without a click) / (1 + new_course_boost of a new course). #}
{% macro ranked_lists() -%}
{%- set length = var('recommendations_per_member') %}
{%- set is_discounted = var('impression_discount') | float > 0 %}
{%- set is_moved = is_discounted or boosted_variants() | length > 0 %}
scored as (
    select variant, member_id, course_id, score
    from recommendable
    anti join {{ ref('excluded_courses') }} as excluded_courses using (member_id, course_id)
),

short_lists as (
    select
        wanted.variant,
        wanted.member_id,
        count(scored.course_id) as scored_courses,
        least(coalesce(min(scored.score), 0), 0) as lowest_score
    from wanted
    left join scored on wanted.variant = scored.variant and wanted.member_id = scored.member_id
    group by wanted.variant, wanted.member_id
    having count(scored.course_id) < {{ length }}
),

filled as (
    select variant, member_id, course_id, score
    from scored
    union all
    select variant, member_id, course_id, lowest_score + recency_score as score
    from ({{ latest_releases_behind('short_lists', 'scored', length) | indent(4) }}) as latest
),

placed as (
    select
        variant,
        member_id,
        course_id,
        round(score, 9) as score,
        row_number() over (partition by variant, member_id order by round(score, 9) desc, course_id) as place
    from filled
){% if is_moved %},

new_courses as (
    select course_id
    from {{ ref('stg_courses') }}
    where {{ is_new_course('released_date') }}
),

moved as (
    select
        placed.variant,
        placed.member_id,
        placed.course_id,
        placed.score,
        placed.place,
        new_courses.course_id is not null and variants.new_course_boost > 0 as is_boosted,
        round(
            placed.place
            {%- if is_discounted %}
            * (1 + {{ var('impression_discount') }} * coalesce(ignored_impressions.impressions, 0))
            {%- endif %}
            / (1 + case when new_courses.course_id is not null then variants.new_course_boost else 0 end),
            9
        ) as moved_place
    from placed
    inner join {{ ref('variants') }} as variants using (variant)
    left join new_courses on placed.course_id = new_courses.course_id
    {%- if is_discounted %}
    left join {{ ref('ignored_impressions') }} as ignored_impressions
        on placed.member_id = ignored_impressions.member_id and placed.course_id = ignored_impressions.course_id
    {%- endif %}
){% endif %}

select
    variant,
    member_id,
    course_id,
    cast(score as double) as score,
{%- if is_moved %}
    cast(row_number() over (partition by variant, member_id order by moved_place, place) as integer) as position,
    is_boosted
from moved
qualify position <= {{ length }}
{%- else %}
    cast(place as integer) as position,
    false as is_boosted
from placed
where place <= {{ length }}
{%- endif %}
{%- endmacro %}
