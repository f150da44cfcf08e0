"""The posture report as JSON: the read model itself."""
