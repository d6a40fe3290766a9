import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createCachedSchemaRegistry, type CacheOptions } from '../../src/encoding/cached-schema-registry.ts'
import { createSchemaFiles, type SchemaStore } from '../../src/encoding/schema-files.ts'
import type { SchemaRegistry, SchemaRegistryObserver } from '../../src/encoding/schema-registry.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { catchRejection } from '../catch-error.ts'

const down = new MessagingError('SCHEMA_REGISTRY_UNREACHABLE', { reason: 'refused' })

function createUpstream() {
  const state = { down: false, time: 0 }
  const answer = <Value>(value: () => Value): Promise<Value> =>
    state.down ? Promise.reject(down) : Promise.resolve().then(value)
  const upstream = {
    register: vi.fn<SchemaRegistry['register']>((subject) => answer(() => subject.length)),
    getById: vi.fn<SchemaRegistry['getById']>((id) =>
      answer(() => {
        if (id >= 1000) throw new MessagingError('SCHEMA_NOT_FOUND', { id })
        return `schema ${id}`
      }),
    ),
    close: vi.fn<() => Promise<void>>(() => Promise.resolve()),
  }
  const heard: unknown[] = []
  const create = (options: CacheOptions = {}): SchemaRegistry =>
    createCachedSchemaRegistry(upstream, {
      now: () => state.time,
      observer: {
        fetched: (details) => heard.push(details),
        registered: (details) => heard.push(details),
        errored: ({ code }) => heard.push(code),
      },
      ...options,
    })
  return { state, upstream, heard, create }
}

function createMemoryStore(): SchemaStore & { readonly entries: Map<string, unknown> } {
  const entries = new Map<string, unknown>()
  return {
    entries,
    read: (name) => Promise.resolve(entries.get(name)),
    write: (name, value) => Promise.resolve(void entries.set(name, value)),
  }
}

test('a thousand who ask at the same time cost one request, and those after them none', async () => {
  const { upstream, heard, create } = createUpstream()
  const registry = create()
  const all = await Promise.all(Array.from({ length: 1000 }, () => registry.getById(5)))
  expect(new Set(all)).toEqual(new Set(['schema 5']))
  await registry.getById(5)
  expect(upstream.getById).toHaveBeenCalledTimes(1)
  await Promise.all(Array.from({ length: 1000 }, () => registry.register('abc', '"int"')))
  await registry.register('abc', '"int"')
  expect(upstream.register).toHaveBeenCalledTimes(1)
  expect(heard).toEqual([
    { id: 5, source: 'network', durationMs: 0 },
    { id: 5, source: 'cache', durationMs: 0 },
    { subject: 'abc', id: 3, source: 'network', durationMs: 0 },
    { subject: 'abc', id: 3, source: 'cache', durationMs: 0 },
  ])
})

test('subject, schema and references tell registrations apart', async () => {
  const { upstream, create } = createUpstream()
  const registry = create()
  const reference = { name: 'A', subject: 'a', version: 1 }
  await registry.register('abc', '"int"')
  await registry.register('abc', '"long"')
  await registry.register('abcd', '"int"')
  await registry.register('abc', '"int"', [reference])
  await registry.register('abc', '"int"', [{ ...reference, version: 2 }])
  await registry.register('abc', '"int"', [])
  expect(upstream.register).toHaveBeenCalledTimes(5)
})

test('a failure reaches all who wait, and is not remembered', async () => {
  const { state, upstream, heard, create } = createUpstream()
  const registry = create()
  state.down = true
  const failures = await Promise.all([registry.getById(5), registry.getById(5)].map((call) => catchRejection(call)))
  expect(failures).toEqual([down, down])
  expect(heard).toEqual(['SCHEMA_REGISTRY_UNREACHABLE'])
  state.down = false
  expect(await registry.getById(5)).toBe('schema 5')
  expect(upstream.getById).toHaveBeenCalledTimes(2)
})

test('an id that does not exist is asked for once in a while', async () => {
  const { state, upstream, create } = createUpstream()
  const registry = create({ unknownForMs: 100 })
  for (let i = 0; i < 3; i++) {
    expect(await catchRejection(registry.getById(1000))).toMatchObject({ code: 'SCHEMA_NOT_FOUND' })
  }
  expect(upstream.getById).toHaveBeenCalledTimes(1)
  state.time = 100
  await catchRejection(registry.getById(1000))
  expect(upstream.getById).toHaveBeenCalledTimes(2)
})

test('ten thousand unknown ids cost a hundred requests, and known ones are read again after the window', async () => {
  const { state, upstream, create } = createUpstream()
  const registry = create()
  const codes = new Map<string, number>()
  const calls = Array.from({ length: 10_000 }, async (_, index) => {
    const { code } = await catchRejection(registry.getById(1000 + index))
    codes.set(code, (codes.get(code) ?? 0) + 1)
  })
  await Promise.all(calls)
  expect(upstream.getById.mock.calls.length).toBeLessThan(120)
  expect(codes.get('SCHEMA_LOOKUPS_LIMITED')).toBeGreaterThan(9_800)
  expect(await catchRejection(registry.getById(1))).toMatchObject({ code: 'SCHEMA_LOOKUPS_LIMITED', retriable: true })
  state.time = 10_000
  expect(await registry.getById(1)).toBe('schema 1')
})

test('keeps a bounded number, and lets go what was not used for longest', async () => {
  const { upstream, create } = createUpstream()
  const registry = create({ maxEntries: 2 })
  for (const id of [1, 2, 1, 3, 1]) await registry.getById(id)
  expect(upstream.getById).toHaveBeenCalledTimes(3)
  await registry.getById(2)
  expect(upstream.getById).toHaveBeenCalledTimes(4)
})

test('with a store the next process starts and goes on while the schema registry is down', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'postrider-schemas-'))
  const { state, upstream, heard, create } = createUpstream()
  const before = create({ store: createSchemaFiles(directory, 'a') })
  await before.register('abc', '"int"')
  await before.getById(5)
  state.down = true
  heard.length = 0
  const after = create({ store: createSchemaFiles(directory, 'a'), askAgainAfterMs: 100 })
  expect(await after.register('abc', '"int"')).toBe(3)
  expect(await after.getById(5), 'not asked again so soon').toBe('schema 5')
  expect(heard).toEqual([
    'SCHEMA_REGISTRY_UNREACHABLE',
    { subject: 'abc', id: 3, source: 'disk', durationMs: 0 },
    { id: 5, source: 'disk', durationMs: 0 },
  ])
  expect(upstream.getById).toHaveBeenCalledTimes(1)
  expect(await catchRejection(after.register('new', '"int"')), 'never seen').toBe(down)
  await rm(directory, { recursive: true })
})

test('the schema registry is asked first where it answers: it may have been set up anew', async () => {
  const { state, create } = createUpstream()
  const store = createMemoryStore()
  store.entries.set('id 5', 'of another life')
  const registry = create({ store, askAgainAfterMs: 100 })
  expect(await registry.getById(5)).toBe('schema 5')
  expect(store.entries.get('id 5')).toBe('schema 5')
  state.down = true
  await catchRejection(registry.getById(6))
  state.down = false
  state.time = 100
  store.entries.set('id 7', 'of another life')
  expect(await registry.getById(7)).toBe('schema 7')
})

test('a refusal is not overruled by the store', async () => {
  const { upstream, create } = createUpstream()
  const denied = new MessagingError('SCHEMA_REGISTRY_DENIED', { reason: 'it answered 401' })
  upstream.getById.mockRejectedValue(denied)
  const store = createMemoryStore()
  store.entries.set('id 5', 'schema 5')
  expect(await catchRejection(create({ store }).getById(5))).toBe(denied)
})

test('a store that cannot be written is told, and nothing else happens', async () => {
  const { heard, create } = createUpstream()
  const full = new MessagingError('SCHEMA_CACHE_FAILED', { directory: 'here', reason: 'ENOSPC' })
  const registry = create({ store: { read: () => Promise.resolve(5), write: () => Promise.reject(full) } })
  expect(await registry.getById(5)).toBe('schema 5')
  expect(heard[0]).toBe('SCHEMA_CACHE_FAILED')
})

test('closing closes what is underneath, if it can be', async () => {
  const { upstream, create } = createUpstream()
  await create().close!()
  expect(upstream.close).toHaveBeenCalledTimes(1)
  const { close: _, ...bare } = upstream
  await createCachedSchemaRegistry(bare).close!()
})

test('ids that are known here are read while unknown ones are refused', async () => {
  const { state, create } = createUpstream()
  const store = createMemoryStore()
  store.entries.set('id 7', 'schema 7')
  const limits = { concurrent: 1, waiting: 10, unknown: 1, windowMs: 100 }
  const registry = create({ store, limits, maxEntries: 1 })
  expect(await registry.register('abc', '"int"')).toBe(3)
  await registry.getById(5)
  expect(await catchRejection(registry.getById(1000))).toMatchObject({ code: 'SCHEMA_NOT_FOUND' })
  expect(await registry.getById(5), 'kept in memory').toBe('schema 5')
  expect(await registry.getById(7), 'kept on disk').toBe('schema 7')
  expect(await registry.getById(3), 'registered by this process').toBe('schema 3')
  expect(await catchRejection(registry.getById(8))).toMatchObject({ code: 'SCHEMA_LOOKUPS_LIMITED' })
  state.time = 100
  expect(await registry.getById(8)).toBe('schema 8')
})

test('each who observes hears of their own calls, of one cache, and its maker of all', async () => {
  const { upstream, heard, create } = createUpstream()
  const registry = create()
  const [mine, other]: [unknown[], unknown[]] = [[], []]
  const observer = (events: unknown[]): SchemaRegistryObserver => ({
    fetched: ({ id, source }) => events.push([id, source]),
    registered: ({ subject, source }) => events.push([subject, source]),
    errored: ({ code }) => events.push(code),
  })
  const first = registry.observedBy!(observer(mine))
  const second = registry.observedBy!(observer(other))
  await first.getById(5)
  await second.getById(5)
  await second.register('abc', '"int"')
  await catchRejection(first.getById(1000))
  expect(mine).toEqual([[5, 'network'], 'SCHEMA_NOT_FOUND'])
  expect(other).toEqual([
    [5, 'cache'],
    ['abc', 'network'],
  ])
  expect(heard).toHaveLength(4)
  expect(upstream.getById).toHaveBeenCalledTimes(2)
})

test('a copy with methods of its own is not led around them', () => {
  const { create } = createUpstream()
  expect('observedBy' in { ...create() }).toBe(false)
})

test('what tools ask goes through to a schema registry that can answer', async () => {
  const { upstream } = createUpstream()
  const getVersion = vi.fn<() => Promise<undefined>>(() => Promise.resolve(undefined))
  const registry = createCachedSchemaRegistry({ ...upstream, getVersion })
  await registry.getVersion!('a', 'latest')
  expect(getVersion).toHaveBeenCalledWith('a', 'latest')
  expect(registry.add).toBeUndefined()
})
