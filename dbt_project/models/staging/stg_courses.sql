{{ stage('courses') }}
