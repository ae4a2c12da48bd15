-- m003: taxonomy skills of the course x skills of the member by profile, title and industry (table 3)
{{ skill_affinity(course_skills='cs01', member_skills='ms02') }}
