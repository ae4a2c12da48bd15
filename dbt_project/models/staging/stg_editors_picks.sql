{{ stage('editors_picks', references=['courses']) }}
