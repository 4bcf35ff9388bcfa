"""The atlas: countries, their subdivisions and airports, and what travellers make of them."""
