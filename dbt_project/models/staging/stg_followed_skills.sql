{{ stage('followed_skills', references=['members', 'skills']) }}
