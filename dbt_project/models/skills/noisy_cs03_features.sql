-- the features of cs03 had the tagger been worse
{{ config(enabled=var('raw_location') == '') }}
{%- for share in [0.0, 0.25, 0.5, 0.75] %}
select cast({{ share }} as double) as replaced_share, features.*
from (
{{ pair_features('(select course_id, skill_id, text_part from ' ~ ref('noisy_tags') ~ ' where replaced_share = ' ~ share ~ ')') }}
) as features
{{ 'union all' if not loop.last }}
{%- endfor %}
