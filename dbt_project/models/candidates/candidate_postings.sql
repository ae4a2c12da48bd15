-- what each term leads to, by pool
with postings as (
    select 'skill_affinity' as pool, 'skill' as kind, cast(skill_id as string) as term, course_id, weight
    from {{ ref('cs01') }}
    union all
    select 'thinned_skill_affinity' as pool, 'skill' as kind, cast(skill_id as string) as term, course_id, weight
    from {{ ref('cs03') }}
    union all
    select 'similar_to_engaged' as pool, 'course' as kind, cast(course_id as string) as term, similar_course_id as course_id, similarity as weight
    from {{ ref('course_similarities') }}
)

select postings.pool, terms.term_number, courses.course_number, cast(postings.weight as double) as weight
from postings
inner join {{ ref('candidate_terms') }} as terms using (kind, term)
inner join {{ ref('candidate_courses') }} as courses using (course_id)
where postings.weight >= 1e-9
