"""Human raters: drawing a study, pages that work from a file, Label Studio tasks, and reading what raters hand in."""
