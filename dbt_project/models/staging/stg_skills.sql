{{ stage('skills') }}
