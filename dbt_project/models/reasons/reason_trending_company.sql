-- on the rise among members of the same company
{{ trending(reason='trending_company', cohort='company') }}
