{# Members who were forgotten (models_py/relevance/privacy.py) are known by a hash of their id alone; staging leaves their rows out. #}
{% macro forgotten_members() %}{{ return(target.schema ~ '.forgotten_members') }}{% endmacro %}

{% macro create_forgotten_members() %}{{ return(adapter.dispatch('create_forgotten_members')()) }}{% endmacro %}
{% macro default__create_forgotten_members() %}
    create table if not exists {{ forgotten_members() }} (member_hash varchar primary key)
{% endmacro %}

{#- whether a typed id is that of a forgotten member; the hash is member_hash of relevance.privacy -#}
{% macro is_forgotten(member) -%}
    coalesce({{ sha256("'course_recommender:' || cast(" ~ member ~ " as string)") }} in (select member_hash from {{ forgotten_members() }}), false)
{%- endmacro %}
