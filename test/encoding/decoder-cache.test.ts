import { expect, test } from 'vitest'
import { createDecoderCache } from '../../src/encoding/decoder-cache.ts'

function createCounted() {
  const fetched: number[] = []
  const made: string[] = []
  const cache = createDecoderCache(
    (id) => {
      fetched.push(id)
      return id === 404 ? Promise.reject(new Error('unknown')) : Promise.resolve(`schema ${id}`)
    },
    (schema) => {
      made.push(schema)
      if (schema === 'schema 13' || schema.length > 12) throw new Error(`bad ${schema}`)
      return { schema }
    },
  )
  return { cache, fetched, made }
}

test('is made once for all who wait, and then known without a promise', async () => {
  const { cache, fetched } = createCounted()
  const [first, second] = await Promise.all([cache.get(1), cache.get(1)])
  expect(first).toBe(second)
  expect(cache.get(1)).toBe(first)
  expect(fetched).toEqual([1])
})

test('an id that could not be fetched is asked for again', async () => {
  const { cache, fetched } = createCounted()
  await expect(cache.get(404)).rejects.toThrow('unknown')
  await expect(cache.get(404)).rejects.toThrow('unknown')
  expect(fetched).toEqual([404, 404])
})

test('a schema that cannot be used fails at once the next time, without being compiled again', async () => {
  const { cache, fetched, made } = createCounted()
  await expect(cache.get(13)).rejects.toThrow('bad schema 13')
  expect(() => cache.get(13)).toThrow('bad schema 13')
  expect([fetched, made]).toEqual([[13], ['schema 13']])
})

test('neither failures nor decoders are kept without bound', async () => {
  const { cache, fetched } = createCounted()
  const failing = Array.from({ length: 101 }, (_, index) => 1_000_000 + index)
  for (const id of failing) await Promise.resolve(cache.get(id)).catch(() => undefined)
  expect(() => cache.get(1_000_001), 'the second is still known').toThrow('bad')
  await expect(cache.get(1_000_000), 'the oldest is not').rejects.toThrow('bad')
  expect(fetched).toHaveLength(102)
  for (let id = 0; id < 1001; id++) cache.set(id, { schema: String(id) })
  expect(cache.get(1000)).toEqual({ schema: '1000' })
  expect(cache.get(0)).toBeInstanceOf(Promise)
})
