"""Remediation plan and progress: what is open, who mends it until when, and what was done."""
