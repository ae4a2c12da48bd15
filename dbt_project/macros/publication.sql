{# dbt run-operation versions: the published versions that are kept, which one readers see, and whether its rows are complete. #}
{% macro versions() %}
    {% do published_call('published_versions', []) %}
{% endmacro %}

{# dbt run-operation rollback --args '{version: 3}': readers see that version again. The next build publishes under the number
   after the highest one. #}
{% macro rollback(version=none) %}
    {% do published_call('serve_version', ['' if version is none else version | string]) %}
{% endmacro %}

{# Prints what a function of models_py/publication_plugin.py says of the published folder, or fails with its error. #}
{% macro published_call(function, arguments) %}
    {% set publication = graph.nodes['model.' ~ project_name ~ '.publication'] %}
    {% set texts = [] %}
    {% for argument in [publication.config.published_path] + arguments %}
        {% do texts.append("'" ~ dbt.escape_single_quotes(argument) ~ "'") %}
    {% endfor %}
    {% set answer = fromjson(run_query('select ' ~ function ~ '(' ~ texts | join(', ') ~ ')').columns[0].values()[0]) %}
    {% if 'error' in answer %}
        {% do exceptions.raise_compiler_error(answer.error) %}
    {% endif %}
    {% do print(answer.said) %}
{% endmacro %}
