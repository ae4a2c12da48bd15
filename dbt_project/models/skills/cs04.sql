-- course -> skill by one classifier per skill, on transcripts (section 3.1)
{{ learned_course_skills('cs04') }}
