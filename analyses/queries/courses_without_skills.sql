-- Courses for which a mapping has no skill: nobody is matched to them by skills of that mapping
select
    courses.course_id,
    courses.title,
    list_sort(list_filter(['cs01', 'cs03', 'cs04'], lambda name : not list_contains(coalesce(mapped.mappings, []), name)))
        as mappings_without_skills
from staging.stg_courses as courses
left join (
    select course_id, list(distinct mapping) as mappings
    from skills.course_skills
    group by course_id
) as mapped using (course_id)
where len(coalesce(mapped.mappings, [])) < 3
order by courses.course_id
