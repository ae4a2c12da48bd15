{# The spellings of portable.sql on Spark. #}

{% macro spark__materialized() %}{% endmacro %}

{% macro spark__not_materialized() %}{% endmacro %}

{% macro spark__type_of(name) %}{{ return('string' if name == 'varchar' else name) }}{% endmacro %}

{% macro spark__hash_bucket(fields, salt, buckets) -%}
    (cast(conv(substr(md5(concat('{{ salt }}'{% for field in fields %}, '|', cast({{ field }} as string){% endfor %})), 1, 15), 16, 10) as bigint) % {{ buckets }})
{%- endmacro %}

{% macro spark__day_diff(first, last) -%}datediff({{ last }}, {{ first }}){%- endmacro %}

{% macro spark__weekday_number(date) -%}(dayofweek({{ date }}) - 1){%- endmacro %}

{% macro spark__date_series(first, last) -%}
    (select explode(days) as feature_date from (select sequence({{ first }}, greatest({{ first }}, {{ last }}), interval 1 day) as days))
{%- endmacro %}

{# Snapshots of a key are few, one a day: a list of them is looked through. #}
{% macro spark__latest_before(left, right, keys, on) -%}
    (
        select * except (feature_dates)
        from (
            select dated.*, snapshots.feature_dates, array_max(filter(snapshots.feature_dates, day -> day <= dated.{{ on }})) as feature_date
            from {{ left }} as dated
            inner join (
                select {{ keys | join(', ') }}, collect_list(feature_date) as feature_dates
                from {{ right }} as snapshots
                group by {{ keys | join(', ') }}
            ) as snapshots
                on {% for key in keys %}dated.{{ key }} = snapshots.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
        ) as found
        where feature_date is not null
    )
{%- endmacro %}

{% macro spark__list_by_rank(value, rank) -%}
    transform(array_sort(collect_list(named_struct('place', struct({{ rank }}), 'entry', {{ value }}))), ranked -> ranked.entry)
{%- endmacro %}

{% macro spark__sorted_list(fields) -%}array_sort(collect_list({{ struct_of(fields) }})){%- endmacro %}

{% macro spark__fields_of(list, field) -%}transform({{ list }}, entry -> entry.{{ field }}){%- endmacro %}

{% macro spark__value_at_least(value, key) -%}min_by({{ value }}, {{ key }}){%- endmacro %}

{% macro spark__list_type(type) -%}array<{{ type_of(type) }}>{%- endmacro %}

{% macro spark__list_of(values) -%}array({{ values | join(', ') }}){%- endmacro %}

{% macro spark__empty_list(type) -%}cast(array() as {{ spark__list_type(type) }}){%- endmacro %}

{% macro spark__list_rows(relation, keys, lists) -%}
    (
        select {{ keys | join(', ') }}{% for name in lists.values() %}, entries."{{ loop.index0 }}" as {{ name }}{% endfor %}
        from (
            select
                {{ keys | join(', ') }},
                explode(arrays_zip({% for list in lists %}coalesce({{ list }}, array()){{ ', ' if not loop.last }}{% endfor %})) as entries
            from {{ relation }}
        ) as listed
    )
{%- endmacro %}

{% macro spark__list_length(list) -%}size({{ list }}){%- endmacro %}

{% macro spark__list_places(list) -%}
    transform({{ list }}, (entry, place) -> cast(place + 1 as bigint))
{%- endmacro %}

{% macro spark__place_in_list(list, value) -%}array_position({{ list }}, {{ value }}){%- endmacro %}

{% macro spark__entry_of(list, place) -%}try_element_at({{ list }}, cast({{ place }} as int)){%- endmacro %}

{% macro spark__first_entries(list, count) -%}slice({{ list }}, 1, {{ count }}){%- endmacro %}

{% macro spark__letters_of(text) -%}filter(split({{ text }}, ''), letter -> letter <> ''){%- endmacro %}

{% macro spark__map_by_key(key, value) -%}map_from_entries(array_sort(collect_list(struct({{ key }}, {{ value }})))){%- endmacro %}

{% macro spark__struct_of(fields) -%}
    named_struct({% for name, value in fields.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro spark__numbers(count) -%}(select id as number from range({{ count }})){%- endmacro %}

{% macro spark__words_of(text) -%}
    trim(regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        lower(nfc_normalize({{ text }})),
                        r'([\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsHangul}\p{IsThai}\p{IsLao}\p{IsKhmer}\p{IsMyanmar}])', ' $1 '
                    ),
                    r'[.!?;:,]+(\s|$)|[|。！？；：、，۔،؟।()\n\r]', ' | '
                ),
                r'[^\p{L}\p{M}\p{N}+#| ]+[+#]*|(^| )[+#]+', ' '
            ),
            r'([+#])([\p{L}\p{M}\p{N}])', '$1 $2'
        ),
        ' {2,}', ' '
    ))
{%- endmacro %}

{% macro spark__spelling_of(text) -%}
    trim(regexp_replace({{ words_of(text) }}, r'( ?\| ?)+', ' '))
{%- endmacro %}

{% macro spark__word_pieces(relation, keys, words, size, behind) -%}
    (
        select
            {{ keys | join(', ') }},
            cast(place * {{ size }} + 1 as bigint) as first_position,
            rtrim(piece) as words,
            coalesce(rtrim(regexp_extract(try_element_at(pieces, place + 2), '^(?:[^ ]+ ?){1,{{ behind }}}', 0)), '') as words_behind
        from (
            select {{ keys | join(', ') }}, regexp_extract_all({{ words }}, '(?:[^ ]+ ?){1,{{ size }}}', 0) as pieces
            from {{ relation }}
        ) as cut
        lateral view posexplode(pieces) pieced as place, piece
    )
{%- endmacro %}

{% macro spark__word_rows(relation, keys, words) -%}
    (select {{ keys | join(', ') }}, explode(split({{ words }}, ' ')) as word from {{ relation }})
{%- endmacro %}

{% macro spark__word_windows(relation, keys, width) -%}
    (
        select
            {{ keys | join(', ') }},
            first_position + place as position,
            {%- for n in range(1, width + 1) %}
            try_element_at(list, place + {{ n }}) as word_{{ n }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select
                {{ keys | join(', ') }},
                first_position,
                size(split(words, ' ')) as size,
                split(words || ' ' || words_behind, ' ') as list
            from {{ relation }}
        ) as lists
        lateral view explode(sequence(0, size - 1)) placed as place
    )
{%- endmacro %}

{% macro spark__joined_texts(text, order) -%}listagg({{ text }}, '\n') within group (order by {{ order }}){%- endmacro %}

{% macro spark__one_letter_less(relation, spelling) -%}
    (
        select distinct spelling, variant
        from (
            select
                {{ spelling }} as spelling,
                explode(transform(
                    sequence(0, length({{ spelling }})),
                    place -> concat(substr({{ spelling }}, 1, place), substr({{ spelling }}, place + 2))
                )) as variant
            from {{ relation }}
        ) as shortened
    )
{%- endmacro %}

{# -- tables of the project itself: seconds and versions are kept by DuckDB alone #}

{% macro spark__create_build_seconds() %}
    {% do run_query('create schema if not exists ' ~ target.schema) %}
    create table if not exists {{ seconds_table() }} (model string, seconds double) using parquet
{% endmacro %}

{% macro spark__record_build_seconds(results) %}{% endmacro %}

{% macro spark__create_table_versions() %}{% endmacro %}

{% macro spark__create_forgotten_members() %}
    create table if not exists {{ forgotten_members() }} (member_hash string) using parquet
{% endmacro %}

{% macro spark__sha256(text) -%}sha2({{ text }}, 256){%- endmacro %}
