{{ stage('dismissals', references=['members', 'courses']) }}
