{{ stage('member_subscriptions', references=['members']) }}
