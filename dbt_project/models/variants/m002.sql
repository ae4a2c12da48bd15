-- m002: taxonomy skills of the course x profile skills of the member (table 3)
{{ skill_affinity(course_skills='cs01', member_skills='ms01') }}
