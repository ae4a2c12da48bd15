{# The columns together identify a row, and none of them is null but those named in `nullable`. #}
{% test unique_key(model, columns, nullable=[]) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns if column not in nullable %} or {{ column }} is null{% endfor %}
{% endtest %}
