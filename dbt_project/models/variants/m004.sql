-- m004: skills of the course by the classifier of pairs x skills of the member by profile, title and industry (table 3)
{{ skill_affinity(course_skills='cs03', member_skills='ms02') }}
