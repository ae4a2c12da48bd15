-- course -> skill by one classifier of all pairs (section 3.1)
{{ learned_course_skills('cs03') }}
