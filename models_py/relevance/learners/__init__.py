"""One module per learner; see relevance.learning for what each provides."""
