"""Findings and their remediation."""
