-- numbers for the (feature, term) pairs that members carry
{{ numbered_terms(ref('scoring_member_features')) }}
