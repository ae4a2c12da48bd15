-- on the rise among members of the same industry
{{ trending(reason='trending_industry', cohort='industry') }}
