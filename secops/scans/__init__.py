"""Authorisations, scans, probe runs and rule outcomes."""
