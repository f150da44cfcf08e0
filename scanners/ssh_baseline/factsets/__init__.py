"""What can be told of a Linux host, by subject; importing a module declares its facts."""
