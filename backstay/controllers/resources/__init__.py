"""The generated API over HTTP: the REST dialect, translated into requests and back."""
