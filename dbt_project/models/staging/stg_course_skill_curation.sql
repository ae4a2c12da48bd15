{{ stage('course_skill_curation', references=['courses', 'skills']) }}
