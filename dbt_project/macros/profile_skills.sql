{# What the model of ms01 sees of an entry and a skill that it may mean, in order. #}
{% macro standardisation_features() %}
    {{ return(['log_meaning', 'is_misspelled', 'log_popularity', 'co_picked', 'related']) }}
{% endmacro %}
