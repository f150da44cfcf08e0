"""Classification report of a system, from the record of the wizard."""
