{{ stage('course_categories', references=['courses', 'categories']) }}
