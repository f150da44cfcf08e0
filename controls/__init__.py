"""The catalogue, applicability, classification, verdicts and scoring. Knows no web, no database, no clock."""
