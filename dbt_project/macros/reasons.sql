{# The scored reasons, each the model reason_<name>, with the skill that it names. #}
{% macro scored_reasons() -%}
    {{ return({
        'skill_match': 'skill_id',
        'interest_match': 'skill_id',
        'short_relevant': 'null',
        'editors_pick': 'null',
        'trending_title': 'null',
        'trending_industry': 'null',
        'trending_company': 'null',
        'trending_globally': 'null',
        'popular': 'null',
    }) }}
{%- endmacro %}

{# A reason that names a skill: of the skills that course and member share, the one whose product of weights is largest. #}
{% macro matching_skill(reason, member_feature) -%}
with contributions as (
    select
        pairs.member_id,
        pairs.course_id,
        pairs.best_position,
        member_side.term as skill_id,
        round(member_side.value * course_side.value, 9) as contribution
    from {{ ref('recommended_pairs') }} as pairs
    inner join {{ ref('latest_course_features') }} as course_side
        on pairs.course_id = course_side.course_id and course_side.feature = 'course_skill'
    inner join {{ ref('latest_member_features') }} as member_side
        on pairs.member_id = member_side.member_id
        and member_side.feature = '{{ member_feature }}'
        and member_side.term = course_side.term
)

select
    member_id,
    course_id,
    best_position,
    '{{ reason }}' as reason,
    -best.contribution_below_0 as score,
    cast(best.skill_id as {{ id_type() }}) as skill_id
from (
    select
        member_id,
        course_id,
        min(best_position) as best_position,
        min({{ struct_of({'contribution_below_0': '-contribution', 'skill_id': 'skill_id'}) }}) as best
    from contributions
    group by member_id, course_id
) as best_contributions
{%- endmacro %}

{# What more members of a cohort (a column of the members; none is the whole platform) engaged with in the last 14 days than
   two things lead one to expect: the course's share in the cohort in the 28 days before, and its share on the platform in
   the same 14 days. So a trend of a cohort is a rise that the cohort shows more than everybody does. The share before is
   drawn to the platform's by prior members, and so is the ratio to 1, which is the score: few members prove little. The
   leading courses of a cohort count. What was released since the weeks before began is new and not on the rise, and without
   these weeks there is nothing to compare with. #}
{% macro trending(reason, cohort=none) -%}
{%- set recent_days = 14 %}
{%- set earlier_days = 28 %}
{%- set minimum_members = 5 %}
{%- set prior_members = 5 %}
{%- set least_ratio = '1.25e0' %}
with engaged_members as (
    select distinct
        engagements.member_id,
        engagements.course_id,
        engagements.engaged_date >= {{ as_of_date() }} - {{ recent_days }} as is_recent
    from {{ ref('engagements') }} as engagements
    inner join {{ ref('stg_courses') }} as courses using (course_id)
    where engagements.engaged_date < {{ as_of_date() }}
        and engagements.engaged_date >= {{ as_of_date() }} - {{ recent_days + earlier_days }}
        and (courses.released_date is null or courses.released_date <= {{ as_of_date() }} - {{ recent_days + earlier_days }})
),

platform_courses as (
    select
        course_id,
        sum(case when is_recent then 1 else 0 end) / nullif(sum(sum(case when is_recent then 1e0 else 0 end)) over (), 0) as recent_share,
        sum(case when is_recent then 0 else 1 end) / nullif(sum(sum(case when is_recent then 0 else 1e0 end)) over (), 0) as earlier_share
    from engaged_members
    group by course_id
),
{% if cohort %}
cohort_members as (
    select member_id, {{ cohort }} as cohort
    from {{ ref('stg_members') }}
    where trim({{ cohort }}) <> ''
),
{% else %}
cohort_members as (
    select member_id, 'everybody' as cohort
    from {{ ref('stg_members') }}
),
{% endif %}
cohort_courses as (
    select
        cohort_members.cohort,
        engaged_members.course_id,
        sum(case when engaged_members.is_recent then 1 else 0 end) as recent_members,
        sum(case when engaged_members.is_recent then 0 else 1 end) as earlier_members,
        sum(sum(case when engaged_members.is_recent then 1 else 0 end)) over (partition by cohort_members.cohort) as cohort_recent_members,
        sum(sum(case when engaged_members.is_recent then 0 else 1 end)) over (partition by cohort_members.cohort) as cohort_earlier_members
    from engaged_members
    inner join cohort_members using (member_id)
    group by cohort_members.cohort, engaged_members.course_id
),

expectations as (
    select
        cohort_courses.cohort,
        cohort_courses.course_id,
        cohort_courses.recent_members,
        cohort_courses.cohort_recent_members
        * (cohort_courses.earlier_members + {{ prior_members }} * platform_courses.earlier_share)
        / (cohort_courses.cohort_earlier_members + {{ prior_members }}) as expected_from_before,
        cohort_courses.cohort_recent_members * platform_courses.recent_share as expected_from_platform
    from cohort_courses
    inner join platform_courses using (course_id)
    where platform_courses.earlier_share is not null
),

ratios as (
    select
        cohort,
        course_id,
        recent_members,
        round((recent_members + {{ prior_members }}) / ({{ 'greatest(expected_from_before, expected_from_platform)' if cohort else 'expected_from_before' }} + {{ prior_members }}), 9) as ratio
    from expectations
),

leading_courses as (
    select cohort, course_id, ratio
    from ratios
    where recent_members >= {{ minimum_members }} and ratio >= {{ least_ratio }}
    qualify row_number() over (partition by cohort order by ratio desc, course_id) <= {{ leading_courses_of_a_reason() }}
)

select
    pairs.member_id,
    pairs.course_id,
    pairs.best_position,
    '{{ reason }}' as reason,
    cast(leading_courses.ratio as double) as score
from {{ ref('recommended_pairs') }} as pairs
inner join cohort_members using (member_id)
inner join leading_courses
    on cohort_members.cohort = leading_courses.cohort and pairs.course_id = leading_courses.course_id
{%- endmacro %}

{# How many courses are trending in a cohort, or popular: more would say little of any of them. #}
{% macro leading_courses_of_a_reason() %}{{ return(20) }}{% endmacro %}

{# The sentence a learner reads, from the text of the reason. #}
{% macro reason_text(text, skill_name, duration_seconds) -%}
    replace(
        replace({{ text }}, '{skill}', coalesce({{ skill_name }}, '')),
        '{minutes}',
        case
            when {{ duration_seconds }} < 90 then cast(cast(round({{ duration_seconds }}) as integer) as string) || ' seconds'
            else coalesce(cast(cast(round({{ duration_seconds }} / 60) as integer) as string), '') || ' minutes'
        end
    )
{%- endmacro %}
