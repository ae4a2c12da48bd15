{{ stage('engagements', references=['members', 'courses']) }}
