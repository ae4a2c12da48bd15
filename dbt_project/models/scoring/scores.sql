-- The top list of every variant, for the members it is assigned to. Where fewer courses have a score than the list is
-- long, the latest releases follow, so everybody has a full list. `score` is the variant's; the position is the place by
-- score, k, moved by what happens to the list afterwards: the order of
--     k * (1 + impression_discount * impressions without a click) / (1 + new_course_boost of a new course).
-- The scorer's lists are in order, and without what is excluded: those that are full and do not move stand as they are.
{%- set length = var('recommendations_per_member') %}
{%- set is_discounted = var('impression_discount') | float > 0 %}
{%- set is_moved = is_discounted or boosted_variants() | length > 0 %}
-- depends_on: {{ ref('ignored_impressions') }}
with assigned as (
    select distinct member_id, variant
    from {{ ref('assignments') }}
),

settled_lists as (
    select lists.variant, lists.member_id, lists.courses, lists.scores, {{ list_places('lists.courses') }} as places
    from {{ ref('learned_lists') }} as lists
    inner join {{ ref('variants') }} as variants using (variant)
    where len(lists.courses) >= {{ length }}
        and {{ 'false' if is_discounted else 'variants.new_course_boost = 0' }}
),

settled as (
    select listed.variant, listed.member_id, courses.course_id, round(listed.score, 9) as score, listed.place
    from {{ list_rows('settled_lists', ['variant', 'member_id'], {'courses': 'course_number', 'scores': 'score', 'places': 'place'}) }} as listed
    inner join {{ ref('candidate_courses') }} as courses using (course_number)
    where listed.place <= {{ length }}
),

unsettled_lists as (
    select lists.*
    from {{ ref('learned_lists') }} as lists
    anti join settled_lists on lists.variant = settled_lists.variant and lists.member_id = settled_lists.member_id
),

variant_scores as (
    select variant, member_id, course_id, score
    from ({{ listed_scores('unsettled_lists') | indent(4) }}) as learned_scores
    union all
    select assigned.variant, assigned.member_id, affinity_scores.course_id, affinity_scores.score
    from assigned
    inner join {{ ref('affinity_scores') }} as affinity_scores using (variant, member_id)
),

-- a learned variant that had nothing to learn from yet serves the lists of the last affinity variant
recommendable as (
    select variant, member_id, course_id, score
    from variant_scores
    union all
    select assigned.variant, assigned.member_id, affinity_scores.course_id, affinity_scores.score
    from assigned
    inner join {{ ref('variants') }} as variants on assigned.variant = variants.variant and variants.learner not in ('{{ rule_learners() | join("', '") }}')
    anti join (select distinct variant from {{ ref('coefficients') }}) as learned on assigned.variant = learned.variant
    inner join {{ ref('affinity_scores') }} as affinity_scores
        on assigned.member_id = affinity_scores.member_id
        and affinity_scores.variant = '{{ variants_with(['affinity']) | last }}'
),

scored as (
    select variant, member_id, course_id, score
    from recommendable
    anti join {{ ref('excluded_courses') }} as excluded_courses using (member_id, course_id)
),

short_lists as (
    select
        assigned.variant,
        assigned.member_id,
        count(scored.course_id) as scored_courses,
        least(coalesce(min(scored.score), 0), 0) as lowest_score
    from assigned
    anti join settled_lists on assigned.variant = settled_lists.variant and assigned.member_id = settled_lists.member_id
    left join scored on assigned.variant = scored.variant and assigned.member_id = scored.member_id
    group by assigned.variant, assigned.member_id
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
    cast(place as integer) as position,
    false as is_boosted
from settled
union all
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
