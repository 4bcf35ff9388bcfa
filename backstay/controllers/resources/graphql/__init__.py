"""GraphQL at one address: the generated API in another syntax. The map is in docs/graphql.md."""
