"use strict";
const part = (id) => document.getElementById(id);
const address = document.body.dataset.address;

async function send(query, variables) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const token = part("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

async function run(event) {
  event?.preventDefault();
  const answer = part("answer");
  try {
    const variables = JSON.parse(part("variables").value.trim() || "{}");
    answer.textContent = "…";
    answer.textContent = JSON.stringify(await send(part("query").value, variables), null, 2);
  } catch (error) {
    answer.textContent = String(error);
  }
}

const named = (type) => (type.kind === "NON_NULL" ? `${named(type.ofType)}!`
  : type.kind === "LIST" ? `[${named(type.ofType)}]` : type.name);

async function types() {
  const reference = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
  const { data, errors } = await send(`{ __schema { types { kind name fields { name type { ${reference} } }
    inputFields { name type { ${reference} } } enumValues { name } } } }`, {});
  part("answer").textContent = data ? data.__schema.types.filter((type) => !type.name.startsWith("__")).map((type) => {
    const lines = [...(type.fields ?? []), ...(type.inputFields ?? [])].map((field) => `  ${field.name}: ${named(field.type)}`);
    return [type.name, ...lines, ...(type.enumValues ?? []).map((value) => `  ${value.name}`)].join("\n");
  }).join("\n\n") : JSON.stringify(errors, null, 2);
}

part("ask").addEventListener("submit", run);
part("schema").addEventListener("click", types);
document.addEventListener("keydown", (event) => { if (event.ctrlKey && event.key === "Enter") run(event); });
