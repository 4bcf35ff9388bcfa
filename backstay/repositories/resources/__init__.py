"""The generated API's door to the database: plans in, documents out."""
