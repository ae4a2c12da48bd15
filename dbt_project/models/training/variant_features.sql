-- the features each learned variant uses, its parent's among them
{{ config(schema='variants') }}
{%- set selects = [] %}
{%- for name in var('variants') | sort %}
{%- for feature in resolved_variant(name).features or [] %}
{%- do selects.append("select '" ~ name ~ "' as variant, '" ~ feature ~ "' as feature") %}
{%- endfor %}
{%- endfor %}
{{ selects | join('\nunion all\n') if selects else "select cast(null as varchar) as variant, cast(null as varchar) as feature where false" }}
