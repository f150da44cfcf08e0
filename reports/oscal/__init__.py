"""OSCAL 1.1: catalog, profile, assessment results and plan of action, as JSON."""
