{{ stage('member_profile_skills', references=['members', 'skills']) }}
