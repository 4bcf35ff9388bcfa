// The client resolves names that need quotes, and leaves out of `*` what is computed.

import { createClient } from "@supabase/supabase-js"
import { type CompositeTypes, type Database, type Tables } from "./odd.js"

const client = createClient<Database>("http://127.0.0.1:8000", "sb_publishable_key")
type Computed = Tables<"odd_names_of_1st_insert">

const whole = (await client.from("odd names-of 1st").select("*").throwOnError()).data
const name: string = whole[0]!["column whitespace"]
const plain = (await client.from("odd_names_of_1st_insert").select("*").throwOnError()).data
// @ts-expect-error what is computed has to be selected by name
plain[0]!["full name"]
const full: Computed["full name"] = 1
const walked = (await client.rpc("odd.walk", { from: { from: null, any: name } }).throwOnError()).data
const back: CompositeTypes<"Node"> = walked
const pair: [string, number] | undefined = back.pair
const letters: ("x" | "y")[] | null = whole[0]!.unnamed
console.log(full, pair, letters)
