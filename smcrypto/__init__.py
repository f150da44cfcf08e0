"""SM2, SM3 and SM4 behind one small facade, and the sealed container. Knows no storage and no web."""
