{{ stage('title_industry_skills', references=['skills']) }}
