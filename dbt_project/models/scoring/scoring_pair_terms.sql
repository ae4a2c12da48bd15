-- numbers for the (feature, term) pairs that are stored of a member and a course
{{ numbered_terms(ref('scoring_pair_features')) }}
