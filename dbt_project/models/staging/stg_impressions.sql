{{ stage('impressions', references=['members', 'courses']) }}
