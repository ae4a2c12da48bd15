-- the same from what the member engaged with lately: it follows interests, and needs no profile
{{ matching_skill(reason='interest_match', member_feature='member_interest') }}
