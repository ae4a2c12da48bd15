-- what the catalogue says of a course
with catalog_terms as (
    select course_id, 'course_difficulty' as feature, difficulty as term, 1.0e0 as value
    from {{ ref('stg_courses') }}
    union all
    select course_id, 'course_author' as feature, author as term, 1.0e0 as value
    from {{ ref('stg_courses') }}
    union all
    select course_id, 'course_language' as feature, language as term, 1.0e0 as value
    from {{ ref('stg_courses') }}
    union all
    select course_id, 'course_duration' as feature, '' as term, ln(1 + duration_seconds / 60.0e0) as value
    from {{ ref('stg_courses') }}
    union all
    select course_id, 'course_category' as feature, cast(category_id as string) as term, 1.0e0 as value
    from {{ ref('stg_course_categories') }}
    union all
    select course_id, 'course_primary_category' as feature, cast(category_id as string) as term, 1.0e0 as value
    from {{ ref('stg_course_categories') }}
    where is_primary
    union all
    select distinct course_categories.course_id, 'course_area' as feature, categories.area as term, 1.0e0 as value
    from {{ ref('stg_course_categories') }} as course_categories
    inner join {{ ref('stg_categories') }} as categories using (category_id)
    union all
    select course_id, 'course_identity' as feature, cast(course_id as string) as term, 1.0e0 as value
    from {{ ref('stg_courses') }}
)

select
    {{ beginning() }} as feature_date,
    course_id,
    feature,
    term,
    cast(value as double) as value
from catalog_terms
where term is not null and value is not null
