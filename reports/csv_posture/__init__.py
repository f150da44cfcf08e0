"""The posture report as CSV files in one archive."""
