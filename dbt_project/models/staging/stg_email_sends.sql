{{ stage('email_sends', references=['members', 'courses']) }}
