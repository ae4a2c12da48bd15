{{ stage('course_videos', references=['courses']) }}
