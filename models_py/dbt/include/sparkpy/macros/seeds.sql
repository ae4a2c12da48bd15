{# dbt-spark writes an empty cell as the text None, and stops at an apostrophe. #}
{% macro sparkpy__load_csv_rows(model, agate_table) %}
    {% set rows = [] %}
    {% for row in agate_table.rows %}
        {% set cells = [] %}
        {% for name in agate_table.column_names %}
            {% set type = model.config.column_types.get(name) or adapter.convert_type(agate_table, loop.index0) %}
            {% set text = "'" ~ row[name] | string | replace('\\', '\\\\') | replace("'", "\\'") ~ "'" %}
            {% do cells.append('cast(' ~ ('null' if row[name] is none else text) ~ ' as ' ~ type ~ ')') %}
        {% endfor %}
        {% do rows.append('(' ~ cells | join(', ') ~ ')') %}
    {% endfor %}
    {% set sql = 'insert into ' ~ this.render() ~ ' values ' ~ rows | join(', ') %}
    {% if rows %}{% do adapter.add_query(sql, abridge_sql_log=True) %}{% endif %}
    {{ return(sql) }}
{% endmacro %}
