"""What a route is worth: one file per question, its formula in the docstring. All of it is pure."""
