-- What the day of the week adds to the score of a course, against the day of the lists, in variants that know the day alone or
-- crossed with what courses are. With it one stored list serves as seven: a day orders it anew (section 6.3).
with crosses as (
    select coefficients.variant, steps.right_feature as course_feature, coefficients.term, coefficients.coefficient
    from {{ ref('coefficients') }} as coefficients
    inner join {{ ref('transformations') }} as steps using (feature)
    where coefficients.effect = 'global'
        and coefficients.variant in (select variant from {{ ref('assignments') }})
        and steps.operation = 'cross'
        and steps.side = 'interaction'
        and steps.left_feature = 'day_of_week'
    union all
    select variant, 'any' as course_feature, term || ' x ' as term, coefficient
    from {{ ref('coefficients') }}
    where effect = 'global' and feature = 'day_of_week' and variant in (select variant from {{ ref('assignments') }})
),

course_terms as (
    select courses.course_id, features.feature, features.term, features.value
    from {{ ref('candidate_courses') }} as courses
    inner join {{ ref('scoring_course_features') }} as features using (course_id)
    union all
    select course_id, 'any' as feature, '' as term, 1.0e0 as value
    from {{ ref('candidate_courses') }}
),

day_scores as (
    select variants.variant, courses.course_id, days.day, {{ exact_sum('coalesce(crosses.coefficient * course_terms.value, 0)') }} as score
    from (select distinct variant from crosses) as variants
    cross join {{ ref('candidate_courses') }} as courses
    cross join (values ('mon'), ('tue'), ('wed'), ('thu'), ('fri'), ('sat'), ('sun')) as days (day)
    inner join course_terms using (course_id)
    left join crosses
        on variants.variant = crosses.variant
        and course_terms.feature = crosses.course_feature
        and days.day || ' x ' || course_terms.term = crosses.term
    group by variants.variant, courses.course_id, days.day
)

select
    day_scores.variant,
    day_scores.course_id,
    day_scores.day,
    round(day_scores.score - of_lists.score, 12) as shift
from day_scores
inner join day_scores as of_lists
    on day_scores.variant = of_lists.variant
    and day_scores.course_id = of_lists.course_id
    and of_lists.day = {{ day_of_week(as_of_date()) }}
order by day_scores.variant, day_scores.course_id, day_scores.day
