{{ stage('autoplays', references=['members', 'courses']) }}
