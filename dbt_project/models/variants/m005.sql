-- m005: skills of the course by the classifiers of transcripts x skills of the member by profile, title and industry (table 3)
{{ skill_affinity(course_skills='cs04', member_skills='ms02') }}
