"""The audit log: events in the same transaction as the change, chained by SM3."""
