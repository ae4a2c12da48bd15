{{ stage('category_skills', references=['categories', 'skills']) }}
