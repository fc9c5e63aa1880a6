"""Several labels of one pair: raters of it, and people beside a grader."""
