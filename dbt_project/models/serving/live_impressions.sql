-- courses shown since the build and not clicked: empty, for a serving process to put its own in its place
{{ live_table(['member_id', 'course_id']) }}
