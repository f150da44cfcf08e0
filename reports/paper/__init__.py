"""Papers: what every report made of blocks shares, from the cover to the three forms it is written in."""
