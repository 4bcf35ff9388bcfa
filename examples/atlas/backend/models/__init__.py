"""Tables, and the rules of who may see and change their rows."""
