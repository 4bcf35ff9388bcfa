"""The API described: OpenAPI 3.1 for people and tools, Swagger 2.0 for PostgREST's clients, types for typed programs, a page."""
