-- skills followed since the build: empty, for a serving process to put its own in its place
{{ live_table(['member_id', 'skill_id']) }}
