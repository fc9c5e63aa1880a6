"""How far a grader agrees with people."""
