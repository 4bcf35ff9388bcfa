// Runs every audit against URL and prints those that are not ok, and how many there are.
import { serverAudits } from "graphql-http";

const found = [];
for (const audit of serverAudits({ url: process.env.URL })) found.push(await audit.fn());
const report = found.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
console.log(JSON.stringify(report));
