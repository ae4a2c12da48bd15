{{ stage('job_views', references=['members']) }}
