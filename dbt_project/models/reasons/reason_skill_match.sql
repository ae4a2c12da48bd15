-- "because of the skill you have" (section 3.4)
{{ matching_skill(reason='skill_match', member_feature='member_skill') }}
