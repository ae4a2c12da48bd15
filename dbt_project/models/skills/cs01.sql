-- course -> skill by taxonomy: the skills of its categories, then the taxonomists' verdicts, applied last
with category_tags as (
    select distinct stg_course_categories.course_id, stg_category_skills.skill_id
    from {{ ref('stg_course_categories') }} as stg_course_categories
    inner join {{ ref('stg_category_skills') }} as stg_category_skills using (category_id)
)

select course_id, skill_id, cast(1.0 as double) as weight, 'category' as source
from category_tags
anti join {{ ref('stg_course_skill_curation') }} as curation using (course_id, skill_id)
union all
select course_id, skill_id, cast(1.0 as double) as weight, 'curated' as source
from {{ ref('stg_course_skill_curation') }}
where verdict = 'add'
