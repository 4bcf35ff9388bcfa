// What the generated types let a program do with the unmodified client, and what they refuse. Never run: `tsc` is the
// test, and a refusal that does not come is an error of its own (TS2578).

import { createClient } from "@supabase/supabase-js"
import { type CompositeTypes, Constants, type Database, type Enums, type Json } from "./database.js"
import { type Tables, type TablesInsert } from "./database.js"
import { type Database as UserDatabase } from "./user.js"

const client = createClient<Database>("http://127.0.0.1:8000", "sb_publishable_key")

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

// Rows: null where a column is null or masked, optional where a caller may not have it.
const ports = (await client.from("ports").select("*").throwOnError()).data
const nations = (await client.from("nations").select("*").throwOnError()).data
same<(typeof nations)[number], Tables<"nations">>(true)
const deep = (await client.from("ports").select("code, is_deep").throwOnError()).data
same<typeof deep, { code: string; is_deep: boolean | null }[]>(true)
// @ts-expect-error a computed field, which `*` leaves out
ports[0]!.is_deep
// @ts-expect-error a computed field, which nobody sets
client.from("ports").update({ is_deep: true })
same<Tables<"ports">["earnings"], number | null | undefined>(true)
same<Tables<"voyages">["cost"], number | null>(true)
same<Tables<"voyages">["id"], string>(true)
const some = (await client.from("ports").select("code, height:depth, kind").throwOnError()).data
same<typeof some, { code: string; height: number | null; kind: "small" | "medium" | "large" | null }[]>(true)
// @ts-expect-error a column that was not selected
some[0]!.name
// @ts-expect-error a column that does not exist
ports[0]!.nmae
const wrong = (await client.from("ports").select("code, nmae").throwOnError()).data
// @ts-expect-error a select that names a column which does not exist gives no rows
wrong[0]!.code
// @ts-expect-error a table that exists for nobody below the rules
client.from("vaults")

// Every kind of value.
same<Tables<"specimens">["int64"], number | null>(true)
same<Tables<"specimens">["exact"], number | null>(true)
same<Tables<"specimens">["moment"], string | null>(true)
same<Tables<"specimens">["blob"], string | null>(true)
same<Tables<"specimens">["data"], Json>(true)
same<Tables<"specimens">["numbers"], number[] | null>(true)
same<Enums<"specimen_choice">, "red" | "Green" | "a b">(true)
same<Enums<"port_kind">, (typeof Constants.public.Enums.port_kind)[number]>(true)

// Filters.
client.from("ports").select().eq("depth", 3).eq("kind", "small").in("code", ["REY"]).is("depth", null)
client.from("ports").select().contains("tags", ["deep"]).order("earnings")
// @ts-expect-error a value of another type
client.from("ports").select().eq("depth", "three")
// @ts-expect-error no such choice
client.from("ports").select().eq("kind", "tiny")

// Embeds: an object to one, an array to many, over a key, against it, over a table between, at oneself.
const toOne = (await client.from("stops").select("note, ports(name), voyages(title)").throwOnError()).data
same<typeof toOne, { note: string | null; ports: { name: string }; voyages: { title: string | null } }[]>(true)
const toOneOrNone = (await client.from("ports").select("nations(name)").throwOnError()).data
same<typeof toOneOrNone, { nations: { name: string } | null }[]>(true)
const toMany = (await client.from("nations").select("code, ports(name)").throwOnError()).data
same<typeof toMany, { code: string; ports: { name: string }[] }[]>(true)
const oneToOne = (await client.from("ships").select("papers(number)").throwOnError()).data
same<typeof oneToOne, { papers: { number: string } | null }[]>(true)
const manyToMany = (await client.from("ships").select("sailors(name)").throwOnError()).data
same<typeof manyToMany, { sailors: { name: string }[] }[]>(true)
const byColumn = (await client.from("sailors").select("mentor:mentor_id(name)").throwOnError()).data
same<typeof byColumn, { mentor: { name: string } | null }[]>(true)
const pupils = (await client.from("sailors").select("sailors(name)").throwOnError()).data
same<typeof pupils, { sailors: { name: string }[] }[]>(true)
const hinted = (await client.from("voyages").select("start:ports!start_code(name), end:ports!end_code(name)").throwOnError()).data
same<typeof hinted, { start: { name: string }; end: { name: string } | null }[]>(true)
const composite = (await client.from("moorings").select("berths(length)").throwOnError()).data
same<typeof composite, { berths: { length: number | null } }[]>(true)
const spread = (await client.from("nations").select("code, ...ports(name)").throwOnError()).data
same<typeof spread, { code: string; name: string[] }[]>(true)
const ambiguous = (await client.from("voyages").select("ports(name)").throwOnError()).data
// @ts-expect-error two keys lead there, and none was named
ambiguous[0]!.ports.name
const unrelated = (await client.from("nations").select("ships(name)").throwOnError()).data
// @ts-expect-error no key leads there
unrelated[0]!.ships.name

// Writes.
const ship: TablesInsert<"ships"> = { name: "Ark" }
client.from("ships").insert([ship, { name: "Argo", tons: 30, flag: null }])
client.from("voyages").insert({ start_code: "REY" })
client.from("ports").upsert({ code: "REY", name: "Reykjavik", kind: "large", tags: ["cold"], facts: { a: [1, null] } })
client.from("ships").update({ tons: 4 }).eq("id", 1).maxAffected(1)
client.from("letters").insert({ words: "Ahoy" })
// @ts-expect-error no such column
client.from("ships").insert({ name: "Ark", colour: "red" })
// @ts-expect-error a column that every ship needs is missing
client.from("ships").insert({ tons: 4 })
// @ts-expect-error the database computes it
client.from("ships").insert({ name: "Ark", double_tons: 8 })
// @ts-expect-error the database computes it
client.from("ships").update({ double_tons: 8 })
// @ts-expect-error a value of another type
client.from("ships").update({ tons: "four" })
// @ts-expect-error null where the column takes none
client.from("ships").update({ tons: null })
// @ts-expect-error nobody changes letters
client.from("letters").update({ words: "Ahoy" })

// Functions.
const counted = (await client.rpc("ships.count", { above: 3 }).throwOnError()).data
same<typeof counted, number>(true)
const cancelled = (await client.rpc("voyages.cancel", { id: "0190a6f2" }).throwOnError()).data
same<typeof cancelled, Tables<"voyages">>(true)
const busiest = (await client.rpc("busiest").throwOnError()).data
same<typeof busiest, CompositeTypes<"Busiest">[]>(true)
same<CompositeTypes<"Busiest">["share"], number | null | undefined>(true)
client.rpc("touch")
// @ts-expect-error no such function
client.rpc("ships.sink")
// @ts-expect-error an argument is missing
client.rpc("voyages.cancel", {})
// @ts-expect-error an argument of another type
client.rpc("ships.count", { above: "three" })

// What one without a role may do: put a letter in, and no more.
const user = createClient<UserDatabase>("http://127.0.0.1:8000", "sb_publishable_key")
user.from("letters").insert({ words: "Ahoy" })
const letters = (await user.from("letters").select("words").throwOnError()).data
// @ts-expect-error letters are for editors to read
letters[0]!.words
// @ts-expect-error nations are for editors to make
user.from("nations").insert({ code: "IS", name: "Iceland" })
const plain = (await user.from("ports").select().throwOnError()).data
// @ts-expect-error what a port earns is for editors
plain[0]!.earnings
