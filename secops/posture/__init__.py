"""What the machine knows now, per unit and target."""
