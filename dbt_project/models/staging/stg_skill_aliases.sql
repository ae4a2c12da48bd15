{{ stage('skill_aliases', references=['skills']) }}
