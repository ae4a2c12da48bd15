{{ stage('job_skills', references=['skills']) }}
