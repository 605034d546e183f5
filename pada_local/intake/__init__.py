"""From a person's files to a new project: reading, checking, splitting, and the summary of what was read."""
