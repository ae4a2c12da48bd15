-- what cs03 sees of a pair: in which parts of its text the tagger finds the skill, and the skills most related to it
{{ pair_features(ref('cs02')) }}
