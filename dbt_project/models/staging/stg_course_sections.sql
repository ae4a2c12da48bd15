{{ stage('course_sections', references=['courses']) }}
