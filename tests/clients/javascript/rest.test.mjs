// @supabase/postgrest-js, as it is published, against a served application: everything that it can send.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as library from '@supabase/postgrest-js'
import { called, uncalled } from './recorded.mjs'

const { PostgrestClient } = library
called(library)
const { ADDRESS, ENGINE, CALLERS } = process.env
const callers = JSON.parse(CALLERS)
const client = (name = 'anonymous') => new PostgrestClient(ADDRESS, { headers: callers[name], schema: 'public' })
const rest = client()
const editor = client('editor')

async function rows(query) {
  const { data, error } = await query
  assert.equal(error, null, JSON.stringify(error))
  return data
}

async function refused(query, code, status) {
  const { data, error, status: found } = await query
  assert.equal(data, null)
  assert.equal(error.code, code, JSON.stringify(error))
  for (const key of ['message', 'details', 'hint']) assert.ok(key in error)
  if (status) assert.equal(found, status)
}

const codes = async (query) => (await rows(query.order('code'))).map((row) => row.code)
const names = async (query) => (await rows(query.order('name'))).map((row) => row.name)
const ports = () => rest.from('ports').select('code')

test('select: columns, aliases, casts, JSON paths, everything', async () => {
  const columns = 'code, called:name, deep:depth::text, cranes:facts->cranes, pi:facts->>pi'
  assert.deepEqual(await rows(rest.from('ports').select(columns).eq('code', 'DEHAM')), [
    { code: 'DEHAM', called: 'Hamburg', deep: '15.1', cranes: 80, pi: '3.14' },
  ])
  const [row] = await rows(rest.from('ports').select().eq('code', 'DEHAM'))
  assert.deepEqual(Object.keys(row), ['code', 'name', 'nation_code', 'depth', 'kind', 'tags', 'facts'])
  assert.deepEqual(await rows(rest.from('ports').select('code,is_deep').eq('is_deep', false)), [
    { code: 'DEBRV', is_deep: false },
    { code: 'FRSML', is_deep: false },
  ])
})

test('filters: every operator', async () => {
  assert.deepEqual(await codes(ports().eq('kind', 'large').neq('code', 'DEHAM')), ['FRLEH', 'NLRTM'])
  assert.deepEqual(await codes(ports().gt('depth', 12.5).lt('depth', 24)), ['DEHAM', 'FRLEH'])
  assert.deepEqual(await codes(ports().gte('depth', 17).lte('depth', 24)), ['FRLEH', 'NLRTM'])
  assert.deepEqual(await codes(ports().like('name', '%hamb%')), [])
  assert.deepEqual(await codes(ports().ilike('name', '%HAM%')), ['DEHAM'])
  assert.deepEqual(await codes(ports().ilike('name', '%HAMB%').like('name', 'H%')), ['DEHAM'])
  assert.deepEqual(await codes(ports().likeAllOf('name', ['H%', '%g'])), ['DEHAM'])
  assert.deepEqual(await codes(ports().likeAnyOf('name', ['H%', 'R%'])), ['DEHAM', 'NLRTM'])
  assert.deepEqual(await codes(ports().ilikeAllOf('name', ['%HA%', 'b%'])), ['DEBRV'])
  assert.deepEqual(await codes(ports().ilikeAnyOf('name', ['ham%', 'rot%'])), ['DEHAM', 'NLRTM'])
  assert.deepEqual(await codes(ports().regexMatch('name', '^H')), ['DEHAM'])
  assert.deepEqual(await codes(ports().regexIMatch('name', '^h')), ['DEHAM'])
  assert.deepEqual(await codes(ports().is('kind', null)), ['XXNOW'])
  assert.deepEqual(await codes(ports().is('is_deep', true)), ['DEHAM', 'FRLEH', 'NLRTM'])
  assert.deepEqual(await codes(ports().isDistinct('kind', 'large')), ['DEBRV', 'FRSML', 'XXNOW'])
  assert.deepEqual(await codes(ports().in('name', ['Hamburg', '100% Nowhere_\\', 'a,b', '(c)'])), ['DEHAM', 'XXNOW'])
  assert.deepEqual(await codes(ports().notIn('kind', ['large', 'small'])), ['DEBRV'])
  assert.deepEqual(await codes(ports().contains('tags', ['river', 'a b'])), ['DEHAM'])
  assert.deepEqual(await codes(ports().contains('tags', '{river}')), ['DEHAM', 'NLRTM'])
  assert.deepEqual(await codes(ports().contains('facts', { cranes: 80 })), ['DEHAM'])
  assert.deepEqual(await codes(ports().containedBy('tags', ['fish', 'cars', 'x'])), ['DEBRV', 'FRLEH'])
  assert.deepEqual(await codes(ports().containedBy('facts', { cranes: 120, x: 1 })), ['FRLEH', 'NLRTM'])
  assert.deepEqual(await codes(ports().overlaps('tags', ['oil', 'fish'])), ['DEBRV', 'NLRTM'])
  assert.deepEqual(await codes(ports().match({ kind: 'large', nation_code: 'DE' })), ['DEHAM'])
  assert.deepEqual(await codes(ports().not('kind', 'in', '(large,small)')), ['DEBRV'])
  assert.deepEqual(await codes(ports().not('kind', 'is', null).not('tags', 'cs', '{river}')), ['DEBRV', 'FRLEH'])
  assert.deepEqual(await codes(ports().or('code.eq.DEHAM,and(kind.eq.small,depth.lt.1)')), ['DEHAM', 'FRSML'])
  assert.deepEqual(await codes(ports().filter('facts->>cranes', 'eq', '80')), ['DEHAM'])
})

test('ranges are PostgreSQL’s, and refused where there are none', async () => {
  for (const filter of ['rangeGt', 'rangeGte', 'rangeLt', 'rangeLte', 'rangeAdjacent']) {
    await refused(ports()[filter]('depth', '[1,2)'), '42883', 400)
  }
})

test('order, limit, range', async () => {
  const ordered = rest.from('ports').select('code').order('kind', { ascending: false, nullsFirst: false })
  assert.deepEqual(await rows(ordered.order('code').limit(2)), [{ code: 'DEHAM' }, { code: 'FRLEH' }])
  const { data, count, status } = await rest.from('ports').select('code', { count: 'exact' }).order('code').range(1, 2)
  assert.deepEqual([data, count, status], [[{ code: 'DEHAM' }, { code: 'FRLEH' }], 6, 206])
  for (const kind of ['planned', 'estimated']) {
    assert.equal(typeof (await rest.from('ports').select('*', { count: kind, head: true })).count, 'number')
  }
  const head = await rest.from('ports').select('*', { count: 'exact', head: true })
  assert.deepEqual([head.data, head.count], [null, 6])
})

test('embeds: cardinalities, hints, inner, filters, order and limit of what is embedded', async () => {
  const query = rest.from('nations').select('code, ports(code, ships(name))').eq('code', 'DE')
  const limited = query.order('code', { referencedTable: 'ports', ascending: false }).limit(1, { referencedTable: 'ports' })
  assert.deepEqual(await rows(limited), [{ code: 'DE', ports: [{ code: 'DEHAM', ships: [{ name: 'Anna' }, { name: 'Berta' }] }] }])
  const ranged = rest.from('nations').select('code, ports(code)').eq('code', 'FR').range(1, 1, { referencedTable: 'ports' })
  assert.deepEqual(await rows(ranged), [{ code: 'FR', ports: [{ code: 'FRSML' }] }])
  const inner = rest.from('ports').select('code, nations!inner(name)').eq('nations.name', 'France')
  assert.deepEqual(await codes(inner), ['FRLEH', 'FRSML'])
  const either = rest.from('nations').select('code, ports!inner(code)').or('kind.eq.small,code.eq.NLRTM', { referencedTable: 'ports' })
  assert.deepEqual(await codes(either), ['FR', 'NL'])
  const hinted = rest.from('voyages').select('title, start:ports!start_code(name), end:ports!voyages_end_code_fkey(name)')
  assert.deepEqual(await rows(hinted.eq('title', 'summer')), [
    { title: 'summer', start: { name: 'Hamburg' }, end: { name: 'Rotterdam' } },
  ])
  assert.deepEqual(await rows(rest.from('ships').select('papers(number), sailors(name)').eq('id', 1)), [
    { papers: { number: 'P-1' }, sailors: [{ name: 'Old Tom' }, { name: 'Pia' }] },
  ])
  assert.deepEqual(await rows(rest.from('sailors').select('mentor:mentor_id(name), loved(code)').eq('id', 2)), [
    { mentor: { name: 'Old Tom' }, loved: [{ code: 'NLRTM' }] },
  ])
  const related = rest.from('ports').select('code, nations(name)').not('nations', 'is', null)
  assert.deepEqual((await rows(related.order('nations(name)', { ascending: false }).limit(1)))[0].code, 'NLRTM')
  await refused(rest.from('ports').select('voyages(id)'), 'PGRST201', 300)
  await refused(rest.from('ports').select('nothing(id)'), 'PGRST200', 400)
})

test('spreads', async () => {
  assert.deepEqual(await rows(rest.from('ports').select('code, ...nations(nation:name)').eq('code', 'DEHAM')), [
    { code: 'DEHAM', nation: 'Germany' },
  ])
  const many = rest.from('nations').select('code, ...ports(ports:code, depth)').eq('code', 'DE')
  assert.deepEqual(await rows(many.order('depth', { referencedTable: 'ports', ascending: false })), [
    { code: 'DE', ports: ['DEHAM', 'DEBRV'], depth: [15.1, 12.5] },
  ])
})

test('aggregates', async () => {
  assert.deepEqual(await rows(rest.from('ships').select('count(), tons.sum(), tons.avg(), tons.min(), tons.max()')), [
    { count: 4, sum: 1800, avg: 450, min: 100, max: 900 },
  ])
  assert.deepEqual(await rows(rest.from('ports').select('kind, n:count(), ...nations(nation:name)').eq('kind', 'large').order('nations(name)')), [
    { kind: 'large', n: 1, nation: 'France' },
    { kind: 'large', n: 1, nation: 'Germany' },
    { kind: 'large', n: 1, nation: 'Netherlands' },
  ])
  assert.deepEqual(await rows(rest.from('nations').select('code, ports(count())').eq('code', 'DE')), [
    { code: 'DE', ports: [{ count: 2 }] },
  ])
  assert.deepEqual((await rows(rest.from('ships').select('tons.sum()::text').single())).sum, '1800')
})

test('one row, perhaps one row, CSV, stripped nulls', async () => {
  assert.deepEqual(await rows(ports().eq('code', 'DEHAM').single()), { code: 'DEHAM' })
  await refused(ports().single(), 'PGRST116', 406)
  assert.equal(await rows(ports().eq('code', 'NOPE').maybeSingle()), null)
  assert.deepEqual(await rows(ports().eq('code', 'DEHAM').maybeSingle()), { code: 'DEHAM' })
  await refused(ports().maybeSingle(), 'PGRST116')
  assert.equal(await rows(rest.from('ports').select('code,kind').in('code', ['DEHAM', 'XXNOW']).order('code').csv()), 'code,kind\nDEHAM,large\nXXNOW,')
  assert.deepEqual(await rows(rest.from('ports').select('code,kind').eq('code', 'XXNOW').stripNulls()), [{ code: 'XXNOW' }])
  assert.deepEqual(await rows(rest.from('ports').select('code,kind').eq('code', 'XXNOW').single().stripNulls()), { code: 'XXNOW' })
  await refused(ports().geojson(), 'PGRST107', 406)
  await refused(ports().explain(), 'PGRST107', 406)
})

test('errors have their codes; what is not there is not there', async () => {
  await refused(rest.from('nothing').select(), 'PGRST205', 404)
  await refused(rest.from('ports').select('earnings'), '42703', 400)
  await refused(rest.from('ports').select('earnings.sum()'), '42703', 400)
  await refused(rest.from('ships').select().eq('id', 'x'), '22P02', 400)
  await refused(new PostgrestClient(ADDRESS, { headers: callers.anonymous, schema: 'other' }).from('ports').select(), 'PGRST106', 406)
  await refused(rest.schema('other').from('ports').select(), 'PGRST106', 406)
  await assert.rejects(async () => rest.from('nothing').select().throwOnError(), { code: 'PGRST205' })
  await refused(rest.from('ships').insert({ name: 'Emma' }), '42501', 401)
})

test('insert', async () => {
  const made = await editor.from('ships').insert({ name: 'Emma' })
  assert.deepEqual([made.data, made.error, made.status], [null, null, 201])
  assert.deepEqual(await rows(editor.from('ships').insert([{ name: 'Fritz', tons: 5 }, { name: 'Gesa', flag: 'x' }], { defaultToNull: false }).select('name,tons,flag,title')), [
    { name: 'Fritz', tons: 5, flag: 'plain', title: 'Fritz (plain)' },
    { name: 'Gesa', tons: 100, flag: 'x', title: 'Gesa (x)' },
  ])
  const counted = await editor.from('ships').insert([{ name: 'Hans' }], { count: 'exact' })
  assert.equal(counted.count, 1)
  assert.equal((await rows(editor.from('ships').insert({ name: 'Ida', home_code: 'DEHAM' }).select('name,...ports(port:name)').single())).port, 'Hamburg')
  await refused(editor.from('ships').insert({ name: 'Emma' }), '23505', 409)
  await refused(editor.from('ships').insert({ name: 'Jan', nothing: 1 }), 'PGRST204', 400)
  await refused(editor.from('ships').insert({ name: 'Jan', title: 'x' }), '428C9', 400)
})

test('upsert', async () => {
  const [changed, made] = await rows(editor.from('nations').upsert([{ code: 'DE', name: 'Deutschland' }, { code: 'DK', name: 'Denmark' }]).select('code,name'))
  assert.deepEqual([changed, made], [{ code: 'DE', name: 'Deutschland' }, { code: 'DK', name: 'Denmark' }])
  const ignored = await editor.from('nations').upsert({ code: 'DE', name: 'Other' }, { ignoreDuplicates: true }).select()
  assert.deepEqual(ignored.data, [])
  const onName = editor.from('nations').upsert({ code: 'DD', name: 'Deutschland', founded: '1990-10-03' }, { onConflict: 'name', count: 'exact' })
  await refused(onName, '23503', 409)
  assert.equal((await rows(editor.from('ships').upsert({ name: 'Anna', tons: 501 }, { onConflict: 'name', defaultToNull: false }).select('id,tons')))[0].tons, 501)
  await rows(editor.from('nations').upsert({ code: 'DE', name: 'Germany' }))
})

test('update and delete', async () => {
  assert.deepEqual(await rows(editor.from('ships').update({ tons: 7 }).eq('name', 'Emma').select('name,tons')), [{ name: 'Emma', tons: 7 }])
  assert.equal((await editor.from('ships').update({ tons: 8 }, { count: 'exact' }).in('name', ['Emma', 'Fritz'])).count, 2)
  await refused(editor.from('ships').update({ tons: 9 }).in('name', ['Emma', 'Fritz']).maxAffected(1), 'PGRST124', 400)
  await refused(editor.from('ships').update({ tons: 9 }), '21000', 400)
  assert.deepEqual(await rows(editor.from('ships').delete().eq('name', 'Gesa').select('name')), [{ name: 'Gesa' }])
  assert.equal((await editor.from('ships').delete({ count: 'exact' }).in('name', ['Hans', 'Ida'])).count, 2)
  await refused(editor.from('ships').delete(), '21000', 400)
  await refused(editor.from('ships').delete().in('name', ['Emma', 'Fritz']).maxAffected(1), 'PGRST124', 400)
})

test('a write that is tried is undone', async () => {
  const before = await names(rest.from('ships').select('name'))
  assert.deepEqual(await rows(editor.from('ships').insert({ name: 'Karl' }).select('name').rollback()), [{ name: 'Karl' }])
  assert.deepEqual(await rows(editor.from('ships').delete().eq('id', 4).select('id').rollback()), [{ id: 4 }])
  assert.deepEqual(await names(rest.from('ships').select('name')), before)
})

test('rules hold for whoever asks', async () => {
  const titles = async (name) => (await rows(client(name).from('voyages').select('title').order('title'))).map((row) => row.title)
  assert.deepEqual(await titles('anonymous'), ['bobs tour', 'summer'])
  assert.deepEqual(await titles('alice'), ['alices secret', 'bobs tour', 'summer'])
  assert.deepEqual(await rows(client('alice').from('voyages').select('cost.sum()')), [{ sum: 107.5 }])
})

test('rpc: values, nothing, arguments, errors', async () => {
  assert.deepEqual(await rows(rest.rpc('harbour.echo', { words: 'ä', more: { a: [1, null] } })), { words: 'ä', more: { a: [1, null] } })
  assert.equal(await rows(rest.rpc('harbour.total', { tons: [1, 2] })), 3)
  assert.equal(await rows(rest.rpc('harbour.total', { tons: [1, 2] }, { get: true })), 3)
  const nothing = await rest.rpc('harbour.ring')
  assert.deepEqual([nothing.data, nothing.error, nothing.status], [null, null, 204])
  const minimal = await rest.rpc('harbour.echo', { words: 'x', more: { a: 1 } }, { head: true })
  assert.deepEqual([minimal.data, minimal.error, minimal.status], [null, null, 204])
  await refused(rest.rpc('harbour.close'), 'harbour_closed', 409)
  assert.equal((await rest.rpc('harbour.close')).error.hint, 'Wait.')
  await refused(rest.rpc('harbour.nothing'), 'PGRST202', 404)
  await refused(rest.rpc('harbour.echo', { wrds: 'x' }), 'PGRST202', 404)
  await refused(rest.rpc('harbour.total', { tons: ['x'] }), 'validation_failed', 400)
  await refused(rest.rpc('harbour.echo', { words: 'x' }, { get: true }), 'PGRST101', 405)
  await refused(rest.rpc('harbour.christen', { ship_id: 1, name: 'x' }), 'PGRST202', 404)
  await refused(rest.schema('other').rpc('harbour.ring'), 'PGRST106', 406)
})

test('rpc: its rows take the whole grammar of a read', async () => {
  for (const options of [{}, { get: true }]) {
    const fleet = (least = 0, more = {}) => rest.rpc('harbour.fleet', { least }, { ...options, ...more })
    assert.deepEqual(await names(fleet(400).select('name')), ['Anna', 'Clara'])
    assert.deepEqual(await rows(fleet().select('name').lt('tons', 900).limit(2)), [{ name: 'Anna' }, { name: 'Berta' }])
    assert.deepEqual(await rows(fleet().select('name, ...ports!inner(port:name), nation:ports(...nations(name))').limit(1)), [
      { name: 'Clara', port: 'Rotterdam', nation: { name: 'Netherlands' } },
    ])
    const page = await fleet(200, { count: 'exact' }).select('id').range(1, 1)
    assert.deepEqual([page.data, page.count, page.status], [[{ id: 1 }], 3, 206])
    assert.deepEqual(await rows(fleet().select('flag, tons.sum()').eq('id', 3)), [{ flag: 'plain', sum: 900 }])
    assert.deepEqual(await rows(fleet(500).select('title').eq('name', 'Anna').single()), { title: 'Anna (red)' })
    assert.equal(await rows(fleet(10_000).select('title').maybeSingle()), null)
    await refused(fleet().single(), 'PGRST116', 406)
    await refused(fleet().select('nothing'), '42703', 400)
    assert.equal(await rows(fleet().select('name').or('id.eq.1,tons.eq.900').csv()), 'name\nClara\nAnna')
    assert.deepEqual(await rows(fleet().select('flag').eq('id', 2).stripNulls()), [{}])
    await refused(fleet().maxAffected(1), 'PGRST124', 400)
    assert.equal((await rows(rest.rpc('harbour.flagship', {}, options).select('name'))).name, 'Clara')
    assert.equal(await rows(rest.rpc('harbour.flagship', { least: 10_000 }, options)), null)
  }
  const head = await rest.rpc('harbour.fleet', { least: 200 }, { head: true, count: 'exact' })
  assert.deepEqual([head.data, head.count], [null, 3])
  assert.deepEqual(await rows(rest.rpc('harbour.log').select('id').textSearch('words', 'storm')), [{ id: 1 }])
})

test('rpc: what is tried is undone', async () => {
  const named = (name) => editor.rpc('harbour.christen', { ship_id: 4, name }).select('name')
  assert.deepEqual(await rows(named('Tried').rollback()), [{ name: 'Tried' }])
  assert.deepEqual(await rows(rest.from('ships').select('name').eq('id', 4)), [{ name: 'Dora' }])
  await refused(named('Anna'), '23505', 409)
  assert.deepEqual(await rows(named('Kept')), [{ name: 'Kept' }])
  assert.deepEqual(await rows(rest.from('ships').select('name').eq('id', 4)), [{ name: 'Kept' }])
})

test('full text: plain words, phrases, what people type, languages', async () => {
  const found = async (name, words, options) => (await rows(rest.from('entries').select('id').textSearch(name, words, options).order('id'))).map((row) => row.id)
  assert.deepEqual(await found('words', "'storm' | 'fish'"), [1, 2])
  assert.deepEqual(await found('words', 'run pump', { type: 'plain' }), [3])
  assert.deepEqual(await found('words', 'old port', { type: 'phrase' }), [3])
  assert.deepEqual(await found('words', 'running -pumps', { type: 'websearch' }), [1])
  assert.deepEqual(await found('words', 'runs', { type: 'websearch', config: 'english' }), [1, 3])
  assert.deepEqual(await found('title_search', 'storm', { type: 'plain' }), [1])
  assert.deepEqual((await rows(rest.from('entries').select('id').not('words', 'wfts', 'storm').order('id'))).map((row) => row.id), [2, 3, 5])
  await refused(rest.from('entries').select('id').textSearch('words', '(', {}), '42601', 400)
  await refused(rest.from('entries').select('id').textSearch('with_orders', 'storm'), '42703', 400)
  await refused(rest.from('ports').select('code').textSearch('name', 'ham'), 'PGRST127', 400)
})

test('what a request can be told: headers, signals, retries, types', async () => {
  const stopped = new AbortController()
  stopped.abort()
  assert.match((await ports().abortSignal(stopped.signal)).error.message, /abort/i)
  assert.equal((await rows(ports().abortSignal(new AbortController().signal))).length, 6)
  assert.equal((await ports().setHeader('prefer', 'count=exact')).count, 6)
  assert.equal((await rows(ports().retry(false).returns().overrideTypes())).length, 6)
  await assert.rejects(async () => rest.from('nothing').select().throwOnError(), (error) => error.toJSON().code === 'PGRST205')
  const described = await rest.getOpenApiSpec()
  assert.equal(described.error, null)
  assert.ok(described.data.definitions.ports)
})

// That of every builder there is overrides it.
const overridden = ['PostgrestBuilder.returns']

after(() => assert.deepEqual(uncalled(), overridden, 'methods of the client that no test calls'))
