-- on the rise among everybody
{{ trending(reason='trending_globally') }}
