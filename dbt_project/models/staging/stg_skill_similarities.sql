{{ stage('skill_similarities', references=['skills']) }}
