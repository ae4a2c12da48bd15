{{ stage('course_transcripts', references=['courses']) }}
