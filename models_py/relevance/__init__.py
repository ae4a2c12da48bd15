"""The numerical library of course_recommender. It never imports dbt."""
