"""The three layers of the plan as matrices: data, application, management, each cell from the same evidence."""
