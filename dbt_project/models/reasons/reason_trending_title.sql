-- on the rise among members of the same title
{{ trending(reason='trending_title', cohort='title') }}
