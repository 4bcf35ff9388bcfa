"""The values that travel through the generated API: a request, and the plan made of it."""
