// @supabase/functions-js, as it is published, against a served application: bodies, answers and refusals of every kind.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as library from '@supabase/functions-js'
import { called, uncalled } from './recorded.mjs'

called(library)
const { FunctionsClient, FunctionsHttpError, FunctionsRelayError, FunctionsFetchError } = library
const { ADDRESS, CALLERS } = process.env
const callers = JSON.parse(CALLERS)
const functions = new FunctionsClient(`${ADDRESS}/functions/v1`, { headers: callers.anonymous })

async function answered(name, options) {
  const { data, error } = await functions.invoke(name, options)
  assert.equal(error, null, error?.message)
  return data
}

async function refused(name, options, kind, status, code) {
  const { data, error } = await functions.invoke(name, options)
  assert.equal(data, null)
  assert.ok(error instanceof kind, error?.name)
  if (!status) return
  assert.equal(error.context.status, status)
  assert.equal((await error.context.json()).code, code)
}

test('JSON, queries, nothing', async () => {
  assert.deepEqual(await answered('harbour.echo', { body: { words: 'ä', more: { a: 1 } } }), { words: 'ä', more: { a: 1 } })
  assert.equal(await answered('harbour.total?tons=1&tons=2', { method: 'GET' }), 3)
  assert.equal((await answered('harbour.fleet?least=400', { method: 'GET' })).length, 2)
  assert.equal((await answered('harbour.flagship', { method: 'GET', region: 'eu-central-1' })).name, 'Clara')
  assert.equal(await answered('harbour.ring', { body: {} }), '')
})

test('files, streams and events', async () => {
  const chart = await answered('harbour.chart', { method: 'GET' })
  assert.deepEqual(new Uint8Array(await chart.arrayBuffer()), new Uint8Array([0x89, 0x50, 0x4e, 0x47]))
  assert.equal(await answered('harbour.bells', { body: { count: 3 } }), '0\n1\n2\n')
  const tides = await answered('harbour.tides', { body: {} })
  assert.equal(await tides.text(), 'event: tide\ndata: high\n\nevent: tide\ndata: low\n\n')
  const form = new FormData()
  form.append('file', new File(['abc'], 'a.txt', { type: 'text/plain' }))
  form.append('note', 'x')
  assert.deepEqual(await answered('harbour.store', { body: form }), { size: 3, name: 'a.txt', type: 'text/plain', note: 'x' })
  const bytes = await answered('harbour.store', { body: new Blob(['ab'], { type: 'application/pdf' }) })
  assert.deepEqual(bytes, { size: 2, name: '', type: 'application/pdf', note: '' })
  assert.deepEqual(await answered('harbour.echo', { body: new URLSearchParams({ words: '1' }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), { words: '1', more: null })
})

test('refusals of the door and of the function are told apart', async () => {
  await refused('harbour.nothing', { body: {} }, FunctionsRelayError, 404, 'not_found')
  await refused('harbour.echo', { body: { words: 1 } }, FunctionsRelayError, 400, 'validation_failed')
  await refused('harbour.echo', { method: 'GET' }, FunctionsRelayError, 405, 'method_not_allowed')
  await refused('harbour.close', { body: {} }, FunctionsHttpError, 409, 'harbour_closed')
  const stopped = new AbortController()
  stopped.abort()
  await refused('harbour.ring', { body: {}, signal: stopped.signal }, FunctionsFetchError)
})

test('who asks', async () => {
  const name = { body: { ship_id: 3, name: 'Claire' } }
  await refused('harbour.christen', name, FunctionsRelayError, 404, 'not_found')
  functions.setAuth(callers.editor.Authorization.replace('Bearer ', ''))
  assert.deepEqual((await answered('harbour.christen', name)).map((ship) => ship.name), ['Claire'])
})

after(() => assert.deepEqual(uncalled().filter((name) => !name.endsWith('Error.toJSON')), [], 'methods that no test calls'))
