"""Evidence: what is kept, how it is sealed, and which units it speaks to."""
