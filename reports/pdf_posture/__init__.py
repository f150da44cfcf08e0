"""The posture report as PDF."""
