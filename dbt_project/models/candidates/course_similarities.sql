-- the 20 courses most like each course: cosine of their skills and categories by taxonomy
with course_terms as (
    select course_id, feature || ' ' || term as term, value
    from {{ ref('latest_course_features') }}
    where feature in ('course_skill', 'course_category')
),

lengths as (
    select course_id, sqrt({{ exact_sum('value * value') }}) as length
    from course_terms
    group by course_id
),

cosines as (
    select
        one.course_id,
        other.course_id as similar_course_id,
        {{ exact_sum('one.value * other.value') }} as product
    from course_terms as one
    inner join course_terms as other on one.term = other.term and one.course_id <> other.course_id
    inner join {{ ref('available_courses') }} as available on other.course_id = available.course_id
    group by one.course_id, other.course_id
)

select
    cosines.course_id,
    cosines.similar_course_id,
    cast(round(cosines.product / (lengths.length * similar_lengths.length), 9) as double) as similarity
from cosines
inner join lengths on cosines.course_id = lengths.course_id
inner join lengths as similar_lengths on cosines.similar_course_id = similar_lengths.course_id
qualify row_number() over (
    partition by cosines.course_id
    order by round(cosines.product / (lengths.length * similar_lengths.length), 9) desc, cosines.similar_course_id
) <= 20
