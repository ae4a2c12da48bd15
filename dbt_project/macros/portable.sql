{# What only one engine speaks, in one place: dispatch picks the spelling (default: DuckDB). #}

{% macro materialized() %}{{ return(adapter.dispatch('materialized')()) }}{% endmacro %}
{#- before the body of a CTE that is made once and read more than once -#}
{% macro default__materialized() -%}materialized{%- endmacro %}

{% macro not_materialized() %}{{ return(adapter.dispatch('not_materialized')()) }}{% endmacro %}
{#- before the body of a CTE that is made again wherever it is read -#}
{% macro default__not_materialized() -%}not materialized{%- endmacro %}

{% macro hash_bucket(fields, salt, buckets=10000) %}{{ return(adapter.dispatch('hash_bucket')(fields, salt, buckets)) }}{% endmacro %}
{#- chance without a random generator: an integer in [0, buckets) from the md5 of the fields -#}
{% macro default__hash_bucket(fields, salt, buckets) -%}
    (cast('0x' || substr(md5('{{ salt }}'{% for field in fields %} || '|' || cast({{ field }} as varchar){% endfor %}), 1, 15) as bigint) % {{ buckets }})
{%- endmacro %}

{% macro type_of(name) %}{{ return(adapter.dispatch('type_of')(name)) }}{% endmacro %}
{#- the engine's word for a type of the contract -#}
{% macro default__type_of(name) %}{{ return(name) }}{% endmacro %}

{% macro id_type() %}{{ return(type_of(var('id_type'))) }}{% endmacro %}

{% macro day_diff(first, last) %}{{ return(adapter.dispatch('day_diff')(first, last)) }}{% endmacro %}
{#- days from one date to another -#}
{% macro default__day_diff(first, last) -%}({{ last }} - {{ first }}){%- endmacro %}

{% macro weekday_number(date) %}{{ return(adapter.dispatch('weekday_number')(date)) }}{% endmacro %}
{#- 0 on Sundays to 6 on Saturdays -#}
{% macro default__weekday_number(date) -%}extract(dow from {{ date }}){%- endmacro %}

{% macro sha256(text) %}{{ return(adapter.dispatch('sha256')(text)) }}{% endmacro %}
{% macro default__sha256(text) -%}sha256({{ text }}){%- endmacro %}

{% macro date_series(first, last) %}{{ return(adapter.dispatch('date_series')(first, last)) }}{% endmacro %}
{#- a table of one column, every date from first to last -#}
{% macro default__date_series(first, last) -%}
    (select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as feature_date)
{%- endmacro %}

{% macro latest_before(left, right, keys, on) %}{{ return(adapter.dispatch('latest_before')(left, right, keys, on)) }}{% endmacro %}
{#- rows of `left`, each with the feature_date of the latest row of `right` with equal keys and feature_date <= left.on -#}
{% macro default__latest_before(left, right, keys, on) -%}
    (
        select dated.*, snapshots.feature_date
        from {{ left }} as dated
        asof inner join {{ right }} as snapshots
            on {% for key in keys %}dated.{{ key }} = snapshots.{{ key }} and {% endfor %}dated.{{ on }} >= snapshots.feature_date
    )
{%- endmacro %}

{% macro list_by_rank(value, rank) %}{{ return(adapter.dispatch('list_by_rank')(value, rank)) }}{% endmacro %}
{#- ordered list; rank must be unique within the group -#}
{% macro default__list_by_rank(value, rank) -%}array_agg({{ value }} order by {{ rank }}){%- endmacro %}

{% macro sorted_list(fields) %}{{ return(adapter.dispatch('sorted_list')(fields)) }}{% endmacro %}
{#- aggregate into a list of structs, ordered by their fields from the first on: cheaper than a list of each field by rank -#}
{% macro default__sorted_list(fields) -%}list_sort(list({{ struct_of(fields) }})){%- endmacro %}

{% macro fields_of(list, field) %}{{ return(adapter.dispatch('fields_of')(list, field)) }}{% endmacro %}
{#- the list of one field of a list of structs -#}
{% macro default__fields_of(list, field) -%}list_transform({{ list }}, lambda entry : entry.{{ field }}){%- endmacro %}

{% macro value_at_least(value, key) %}{{ return(adapter.dispatch('value_at_least')(value, key)) }}{% endmacro %}
{#- aggregate: the value where the key is least, also where that is null -#}
{% macro default__value_at_least(value, key) -%}arg_min_null({{ value }}, {{ key }}){%- endmacro %}

{% macro list_type(type) %}{{ return(adapter.dispatch('list_type')(type)) }}{% endmacro %}
{% macro default__list_type(type) -%}{{ type }}[]{%- endmacro %}

{% macro list_of(values) %}{{ return(adapter.dispatch('list_of')(values)) }}{% endmacro %}
{% macro default__list_of(values) -%}[{{ values | join(', ') }}]{%- endmacro %}

{% macro empty_list(type) %}{{ return(adapter.dispatch('empty_list')(type)) }}{% endmacro %}
{% macro default__empty_list(type) -%}cast([] as {{ type }}[]){%- endmacro %}

{% macro list_rows(relation, keys, lists) %}{{ return(adapter.dispatch('list_rows')(relation, keys, lists)) }}{% endmacro %}
{#- a row per entry of lists of equal length: the keys and the entries, under the names given -#}
{% macro default__list_rows(relation, keys, lists) -%}
    (select {{ keys | join(', ') }}{% for list, name in lists.items() %}, unnest({{ list }}) as {{ name }}{% endfor %} from {{ relation }})
{%- endmacro %}

{% macro list_length(list) %}{{ return(adapter.dispatch('list_length')(list)) }}{% endmacro %}
{% macro default__list_length(list) -%}len({{ list }}){%- endmacro %}

{% macro list_places(list) %}{{ return(adapter.dispatch('list_places')(list)) }}{% endmacro %}
{#- the places of a list's entries, as a list: 1, 2, ... -#}
{% macro default__list_places(list) -%}range(1, len({{ list }}) + 1){%- endmacro %}

{% macro place_in_list(list, value) %}{{ return(adapter.dispatch('place_in_list')(list, value)) }}{% endmacro %}
{#- the place of a value in a list, from 1; null or 0 where it is not there -#}
{% macro default__place_in_list(list, value) -%}list_position({{ list }}, {{ value }}){%- endmacro %}

{% macro entry_of(list, place) %}{{ return(adapter.dispatch('entry_of')(list, place)) }}{% endmacro %}
{#- the entry at a place of a list, from 1; null where there is none -#}
{% macro default__entry_of(list, place) -%}{{ list }}[{{ place }}]{%- endmacro %}

{% macro first_entries(list, count) %}{{ return(adapter.dispatch('first_entries')(list, count)) }}{% endmacro %}
{% macro default__first_entries(list, count) -%}list_slice({{ list }}, 1, {{ count }}){%- endmacro %}

{% macro letters_of(text) %}{{ return(adapter.dispatch('letters_of')(text)) }}{% endmacro %}
{#- the letters of a text as a list -#}
{% macro default__letters_of(text) -%}string_split({{ text }}, ''){%- endmacro %}

{% macro map_by_key(key, value) %}{{ return(adapter.dispatch('map_by_key')(key, value)) }}{% endmacro %}
{#- aggregate into a map; keys must be unique within the group -#}
{% macro default__map_by_key(key, value) -%}
    map(array_agg({{ key }} order by {{ key }}), array_agg({{ value }} order by {{ key }}))
{%- endmacro %}

{% macro struct_of(fields) %}{{ return(adapter.dispatch('struct_of')(fields)) }}{% endmacro %}
{#- a struct of named values, which compares by its fields from the first on -#}
{% macro default__struct_of(fields) -%}
    { {%- for name, value in fields.items() %}'{{ name }}': {{ value }}{{ ', ' if not loop.last }}{% endfor -%} }
{%- endmacro %}

{% macro numbers(count) %}{{ return(adapter.dispatch('numbers')(count)) }}{% endmacro %}
{#- a table of one column, the integers from 0 below count -#}
{% macro default__numbers(count) -%}(select unnest(range({{ count }})) as number){%- endmacro %}

{% macro words_of(text) %}{{ return(adapter.dispatch('words_of')(text)) }}{% endmacro %}
{#- The words of a text in lower case, one space between them, with | where a sentence or clause ends. Letters, digits and
    marks of any script make words, with + and # behind them (c++, c#). Scripts that write without spaces between words, and
    Hangul, whose particles hang on the word, are cut into characters, so that names are still found inside them. -#}
{% macro default__words_of(text) -%}
    trim(regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        lower(nfc_normalize({{ text }})),
                        '([\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])', ' \1 ', 'g'
                    ),
                    '[.!?;:,]+(\s|$)|[|。！？；：、，۔،؟।()\n\r]', ' | ', 'g'
                ),
                '[^\p{L}\p{M}\p{N}+#| ]+[+#]*|(^| )[+#]+', ' ', 'g'
            ),
            '([+#])([\p{L}\p{M}\p{N}])', '\1 \2', 'g'
        ),
        ' {2,}', ' ', 'g'
    ))
{%- endmacro %}

{% macro spelling_of(text) %}{{ return(adapter.dispatch('spelling_of')(text)) }}{% endmacro %}
{#- the words of a name with single spaces between them: what names, aliases and texts are compared by -#}
{% macro default__spelling_of(text) -%}
    trim(regexp_replace({{ words_of(text) }}, '( ?\| ?)+', ' ', 'g'))
{%- endmacro %}

{% macro word_pieces(relation, keys, words, size, behind) %}{{ return(adapter.dispatch('word_pieces')(relation, keys, words, size, behind)) }}{% endmacro %}
{#- Texts cut into pieces of `size` words: keys, first_position (of the piece in its text, first 1), words, and words_behind,
    the `behind` words that follow. What reads words works on small rows, whatever the length of the texts. -#}
{% macro default__word_pieces(relation, keys, words, size, behind) -%}
    (
        select
            {{ keys | join(', ') }},
            (unnest(range(len(pieces))) * {{ size }} + 1) as first_position,
            rtrim(unnest(pieces)) as words,
            coalesce(rtrim(regexp_extract(unnest(pieces[2:]), '^(?:[^ ]+ ?){1,{{ behind }}}')), '') as words_behind
        from (
            select {{ keys | join(', ') }}, regexp_extract_all({{ words }}, '(?:[^ ]+ ?){1,{{ size }}}') as pieces
            from {{ relation }}
        ) as cut
    )
{%- endmacro %}

{% macro word_rows(relation, keys, words) %}{{ return(adapter.dispatch('word_rows')(relation, keys, words)) }}{% endmacro %}
{#- a row per word: keys, word -#}
{% macro default__word_rows(relation, keys, words) -%}
    (select {{ keys | join(', ') }}, unnest(string_split({{ words }}, ' ')) as word from {{ relation }})
{%- endmacro %}

{% macro word_windows(relation, keys, width) %}{{ return(adapter.dispatch('word_windows')(relation, keys, width)) }}{% endmacro %}
{#- a row per word of word_pieces: keys, position (in its text), word_1 and the words behind it up to word_<width> -#}
{% macro default__word_windows(relation, keys, width) -%}
    (
        select
            {{ keys | join(', ') }},
            first_position + unnest(range(size)) as position,
            {%- for n in range(1, width + 1) %}
            unnest(list[{{ n }}:size + {{ n - 1 }}]) as word_{{ n }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select
                {{ keys | join(', ') }},
                first_position,
                len(string_split(words, ' ')) as size,
                string_split(words || ' ' || words_behind, ' ') as list
            from {{ relation }}
        ) as lists
    )
{%- endmacro %}

{% macro joined_texts(text, order) %}{{ return(adapter.dispatch('joined_texts')(text, order)) }}{% endmacro %}
{#- aggregate: texts one after the other, a line each; order must be total within the group -#}
{% macro default__joined_texts(text, order) -%}string_agg({{ text }}, chr(10) order by {{ order }}){%- endmacro %}

{% macro one_letter_less(relation, spelling) %}{{ return(adapter.dispatch('one_letter_less')(relation, spelling)) }}{% endmacro %}
{#- a row per spelling and variant of it: itself, and itself with one letter left out. Two spellings that are one edit apart
    (a letter more, less, another, or two swapped) share a variant. -#}
{% macro default__one_letter_less(relation, spelling) -%}
    (
        select distinct
            {{ spelling }} as spelling,
            unnest(list_transform(
                range(0, length({{ spelling }}) + 1),
                lambda place : substr({{ spelling }}, 1, place) || substr({{ spelling }}, place + 2)
            )) as variant
        from {{ relation }}
    )
{%- endmacro %}
