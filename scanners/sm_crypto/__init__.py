"""National algorithms (SM2, SM3, SM4) in certificates, keys, configuration and implementations."""
