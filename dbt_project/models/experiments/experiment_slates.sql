-- The list that an experiment would serve to a member with a session, as long as the pages of a session reach: 48 courses.
-- What a variant does not score is filled with the latest releases, and re-ranking is done, both as in `scores`; a variant
-- that knows the day has a list for every day of the week.
{{ config(enabled=var('raw_location') == '') }}
{%- set length = 48 %}
with members as (
    select distinct member_id
    from {{ ref('experiment_sessions') }}
),

rule_variants as (
    select variant
    from {{ ref('variants') }}
    where learner in {{ rule_learner_names() }}
        and variant in (select variant from {{ ref('experiment_variants') }})
),

recommendable as (
    select affinity_scores.variant, affinity_scores.member_id, affinity_scores.course_id, affinity_scores.score
    from {{ ref('affinity_scores') }} as affinity_scores
    semi join rule_variants on affinity_scores.variant = rule_variants.variant
    semi join members on affinity_scores.member_id = members.member_id
    anti join {{ ref('excluded_courses') }} as excluded_courses
        on affinity_scores.member_id = excluded_courses.member_id and affinity_scores.course_id = excluded_courses.course_id
),

scored as (
    select
        variant,
        member_id,
        course_id,
        row_number() over (partition by variant, member_id order by round(score, 9) desc, course_id) as place
    from recommendable
    qualify place <= {{ length }}
),

short_lists as (
    select rule_variants.variant, members.member_id, count(scored.course_id) as scored_courses
    from rule_variants
    cross join members
    left join scored on rule_variants.variant = scored.variant and members.member_id = scored.member_id
    group by rule_variants.variant, members.member_id
    having count(scored.course_id) < {{ length }}
),

filled as (
    select variant, member_id, course_id, place, true as is_personal
    from scored
    union all
    select variant, member_id, course_id, scored_courses - recency_score as place, false as is_personal
    from ({{ latest_releases_behind('short_lists', 'scored', length) | indent(4) }}) as latest
),

moved_lists as (
    select lists.variant, lists.member_id, lists.courses, lists.scores, {{ list_places('lists.courses') }} as places, variants.new_course_boost
    from {{ ref('experiment_lists') }} as lists
    inner join {{ ref('variants') }} as variants using (variant)
    where variants.new_course_boost > 0 or lists.variant in (select variant from {{ ref('day_shifts') }})
),

moved as (
    select
        listed.variant,
        listed.member_id,
        listed.course_number,
        shifts.day as day_of_week,
        -- by the score of the day, or by the place that is moved; equal ones by place
        listed.place * 1e-9 + case
            when shifts.day is not null then -round(listed.score + shifts.shift, 6)
            when {{ is_new_course('courses.released_date') }} then listed.place / (1 + listed.new_course_boost)
            else listed.place
        end as rank
    from {{ list_rows('moved_lists', ['variant', 'member_id', 'new_course_boost'], {'courses': 'course_number', 'scores': 'score', 'places': 'place'}) }} as listed
    inner join {{ ref('candidate_courses') }} as numbers using (course_number)
    inner join {{ ref('stg_courses') }} as courses on numbers.course_id = courses.course_id
    left join {{ ref('day_shifts') }} as shifts on listed.variant = shifts.variant and numbers.course_id = shifts.course_id
),

ranked as (
    select filled.variant, filled.member_id, cast(null as string) as day_of_week, numbers.course_number, filled.place as rank, filled.is_personal
    from filled
    inner join {{ ref('candidate_courses') }} as numbers using (course_id)
    union all
    select variant, member_id, day_of_week, course_number, rank, true as is_personal
    from moved
)

select
    variant,
    member_id,
    cast(day_of_week as string) as day_of_week,
    cast({{ first_entries(list_by_rank('course_number', 'rank'), length) }} as {{ list_type('integer') }}) as courses,
    max(case when is_personal then 1 else 0 end) = 1 as is_personal
from ranked
group by variant, member_id, day_of_week
union all
select variant, member_id, null as day_of_week, {{ first_entries('courses', length) }} as courses, true as is_personal
from {{ ref('experiment_lists') }}
anti join moved_lists using (variant, member_id)
