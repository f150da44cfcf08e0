"""District overview: systems by level, filing and evaluation, findings by department, and one page for leaders."""
