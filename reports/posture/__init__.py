"""What every posture document shares whatever its format: figures, checks, words and the view made of them."""
