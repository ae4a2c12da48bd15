{# A variant of the registry with what it inherits: `extends` names the parent, features add up, the rest overrides. A
   blend has the features of its `parts`. #}
{% macro resolved_variant(name) %}
    {% set registry = var('variants') %}
    {% if name not in registry %}
        {{ exceptions.raise_compiler_error("the registry (var variants) has no variant '" ~ name ~ "'; it has " ~ registry.keys() | join(', ')) }}
    {% endif %}
    {% set own = registry[name] %}
    {% set merged = {} %}
    {% if own.parts %}
        {% set features = [] %}
        {% for part in own.parts %}
            {% for feature in resolved_variant(part).features or [] if feature not in features %}{% do features.append(feature) %}{% endfor %}
        {% endfor %}
        {% do merged.update(own) %}
        {% do merged.update({'features': features}) %}
        {{ return(merged) }}
    {% endif %}
    {% if not own.extends %}{{ return(own) }}{% endif %}
    {% set parent = resolved_variant(own.extends) %}
    {% do merged.update(parent) %}
    {% do merged.update(own) %}
    {% for feature in own.features or [] if feature in (parent.features or []) %}
        {{ exceptions.raise_compiler_error("variant " ~ name ~ " repeats the feature " ~ feature ~ ", which " ~ own.extends ~ " has: features add up") }}
    {% endfor %}
    {% if own.parts %}{{ exceptions.raise_compiler_error("variant " ~ name ~ " has parts and extends " ~ own.extends ~ ": give one of them") }}{% endif %}
    {% do merged.update({'features': (parent.features or []) + (own.features or [])}) %}
    {{ return(merged) }}
{% endmacro %}

{# The names of all variants with a learner among `learners`. #}
{% macro variants_with(learners) %}
    {% set names = [] %}
    {% for name in var('variants') | sort if resolved_variant(name).learner in learners %}{% do names.append(name) %}{% endfor %}
    {{ return(names) }}
{% endmacro %}

{# The names of the variants with random effects. #}
{% macro mixed_variants() %}
    {% set names = [] %}
    {% for name in var('variants') | sort if resolved_variant(name).random_effects %}{% do names.append(name) %}{% endfor %}
    {{ return(names) }}
{% endmacro %}

{# By how much a variant moves new courses up: its own option `new_course_boost`, else the var. #}
{% macro new_course_boost(name) %}
    {{ return(resolved_variant(name).get('new_course_boost', var('new_course_boost'))) }}
{% endmacro %}

{# The names of all variants that move new courses up. #}
{% macro boosted_variants() %}
    {% set names = [] %}
    {% for name in var('variants') | sort if new_course_boost(name) | float > 0 %}{% do names.append(name) %}{% endfor %}
    {{ return(names) }}
{% endmacro %}

{# The rows of one effect in the tables of some variants; none where there are no such variants. #}
{% macro rows_of_effect(names, effect) -%}
    {%- for name in names %}
    select variant, entity_id, feature, term, coefficient
    from {{ ref(name) }}
    where effect = '{{ effect }}'
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as string) as variant,
        cast(null as string) as entity_id,
        cast(null as string) as feature,
        cast(null as string) as term,
        cast(null as double) as coefficient
    where false
    {%- endfor %}
{%- endmacro %}

{# Learners whose scores are rules, not fits. #}
{% macro rule_learners() %}{{ return(['recency', 'affinity']) }}{% endmacro %}

{# The same as SQL, to stand after `in`. #}
{% macro rule_learner_names() -%}('{{ rule_learners() | join("', '") }}'){%- endmacro %}

{# The names of all variants that are fitted. #}
{% macro learned_variants() %}
    {% set names = [] %}
    {% for name in var('variants') | sort if resolved_variant(name).learner not in rule_learners() %}{% do names.append(name) %}{% endfor %}
    {{ return(names) }}
{% endmacro %}

{# The variants that treatments give to members. #}
{% macro served_variants() %}
    {% set names = [] %}
    {% set treatments = ref('treatments') %}
    {% if execute and adapter.get_relation(treatments.database, treatments.schema, treatments.identifier) is not none %}
        {% for row in run_query('select distinct variant from ' ~ treatments ~ ' where share > 0 order by variant') if row[0] in var('variants') %}
            {% do names.append(row[0]) %}
        {% endfor %}
    {% endif %}
    {{ return(names) }}
{% endmacro %}

{# How a build comes by the models of the variants, as {name: learning}. A day (dbt build --selector day) learns those with the
   tag `daily`, from the model before on where the learner can (warm). The others stay as they are (kept). Any other build learns
   all anew. #}
{% macro learning() %}
    {% set found = {} %}
    {% set is_day = invocation_args_dict.selector == 'day' %}
    {% for name in var('variants') | sort %}
        {% set is_warm = execute and 'daily' in model_node(name).tags %}
        {% do found.update({name: 'anew' if not is_day else ('warm' if is_warm else 'kept')}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro model_node(name) %}{{ return(graph.nodes['model.' ~ project_name ~ '.' ~ name]) }}{% endmacro %}

{# The variants of which no build has left a model. #}
{% macro never_learned() %}
    {% set names = [] %}
    {% for name in learned_variants() %}
        {% set model = model_node(name) %}
        {% if adapter.get_relation(model.database, model.schema, model.alias) is none %}{% do names.append(name) %}{% endif %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}
