-- the lists of `compared_lists`, a row per course
{{ config(materialized='view') }}
{{ listed_scores(ref('compared_lists')) }}
