"""Gap analysis: what separates a system from its level, and what evidence is missing."""
