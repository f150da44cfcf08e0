"""Transport Layer Cryptography Protocol (GB/T 38636-2020), asked with own code."""
