-- the lists of `learned_lists`, a row per course
{{ config(materialized='view') }}
{{ listed_scores(ref('learned_lists')) }}
