import { describe, expect, test } from 'vitest'
import { createMemoryDedupeStore, type ConsumerOptions, type DedupeStore } from '../../../src/index.ts'
import {
  Collected,
  handling,
  handlingBatches,
  numberOf,
  numbersOf,
  range,
  Sent,
  setUp,
  type Setup,
} from '../consume.ts'

const header = 'postrider-message-id'

async function sendWithIds(setup: Setup, messages: readonly (readonly [n: number, id: string | undefined])[]) {
  for (const [n, id] of messages)
    await setup.messaging.registry.send(Sent, { n }, { headers: id === undefined ? {} : { [header]: id } })
}

/** A store that says what it was asked, and fails as often as it is told to. */
function watchedStore() {
  const store = createMemoryDedupeStore()
  const recorded: string[] = []
  const asked: string[][] = []
  const failures = { seen: 0, record: 0 }
  const watched: DedupeStore = {
    seen: async (ids) => {
      asked.push([...ids])
      if (failures.seen-- > 0) throw new TypeError('down')
      return store.seen(ids)
    },
    record: async (ids, ttlMs) => {
      if (failures.record-- > 0) throw new TypeError('down')
      recorded.push(...ids)
      await store.record(ids, ttlMs)
    },
  }
  return { store: watched, recorded, asked, failures }
}

describe('with a store of handled messages', () => {
  test('a message whose id was handled before is left out, and committed', async () => {
    const { store, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const seen = new Collected<number>()
    const duplicates = setup.heard('message.deduplicated')
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
      [4, undefined],
      [5, undefined],
    ])
    const Items = handling((message) => seen.add(numberOf(message)))
    const running = await setup.messaging.consumers.run([Items])
    expect(await seen.count(4)).toEqual([1, 2, 4, 5])
    expect(duplicates.values).toMatchObject([{ manifest: 'Items', topic: 'items', partition: 0, offset: 2 }])
    expect(running.health().consumers[0]).toMatchObject({ deduplicated: 1 })
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 5 })
    expect(recorded).toEqual(['g/Items/items/a', 'g/Items/items/b'])
  })

  test('what producers give ids is recognised as it is', async () => {
    await using setup = setUp({ consumer: { dedupeStore: createMemoryDedupeStore() }, producer: { messageId: true } })
    const duplicates = setup.heard('message.deduplicated')
    const seen = new Collected<number>()
    await setup.send([1, 2])
    const Items = handling((message) => seen.add(numberOf(message)))
    await using running = await setup.messaging.consumers.run([Items])
    await seen.count(2)
    await running.seek(Items, { topic: 'items', partition: 0, offset: 'earliest' })
    await duplicates.count(2)
    expect(seen.values).toEqual([1, 2])
  })

  test('an id is recorded once its message is handled, and not if that fails: another copy is handled', async () => {
    const { store, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store, retryAttempts: 1, onFailure: 'skip' } })
    const seen = new Collected<number>()
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
    ])
    const Items = handling((message) => {
      seen.add(numberOf(message))
      expect(recorded).toEqual([])
      if (numberOf(message) === 1) throw new Error('no')
    })
    const duplicates = setup.heard('message.deduplicated')
    await using _ = await setup.messaging.consumers.run([Items])
    await duplicates.count(1)
    expect(seen.values).toEqual([1, 2])
  })

  test('two of one message in a batch are one, and the store is asked once for all', async () => {
    const { store, recorded, asked } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const seen = new Collected<readonly number[]>()
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
      [4, undefined],
    ])
    const running = await setup.messaging.consumers.run([handlingBatches((batch) => seen.add(numbersOf(batch)))])
    expect(await seen.count(1)).toEqual([[1, 2, 4]])
    await running.stop()
    expect([asked.length, recorded.length]).toEqual([1, 2])
    expect(setup.committed()).toEqual({ 'items/0': 4 })
  })

  test('of a batch that fails what is done is recorded, and the rest is not', async () => {
    const { store, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store, retryAttempts: 1, onFailure: 'skip' } })
    const seen = new Collected<number>()
    await sendWithIds(
      setup,
      range(1, 4).map((n) => [n, `id${n}`]),
    )
    const Items = handlingBatches((batch, context) => {
      const index = numbersOf(batch).indexOf(3)
      if (index >= 0) throw context.failedAt(index, new Error('no'))
      seen.add(batch.length)
    })
    const running = await setup.messaging.consumers.run([Items])
    await seen.count(1)
    await running.stop()
    expect(recorded.toSorted()).toEqual(['id1', 'id2', 'id4'].map((id) => `g/Items/items/${id}`))
  })

  test('while the store cannot say, the partition waits; nothing passes unasked', async () => {
    const { store, failures } = watchedStore()
    failures.seen = 3
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const errored = setup.heard('consumer.errored')
    const seen = new Collected<number>()
    await sendWithIds(setup, [[1, 'a']])
    await using _ = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    await seen.count(1)
    expect(errored.values).toHaveLength(3)
    expect(errored.values[0]!.error).toMatchObject({ code: 'DEDUPE_STORE_FAILED', manifest: 'Items' })
    expect(errored.values[0]!.error.message).toBe('The store of handled messages of Items failed: it threw TypeError.')
  })

  test('while it does not take an id, its message is not handled again, nor committed', async () => {
    const { store, failures, recorded } = watchedStore()
    failures.record = Infinity
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const errored = setup.heard('consumer.errored')
    const seen = new Collected<number>()
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'b'],
    ])
    const Items = handling((message) => seen.add(numberOf(message)))
    const first = await setup.messaging.consumers.run([Items])
    await errored.count(3)
    await first.stop()
    expect(seen.values).toEqual([1])
    expect(setup.committed()).toEqual({})
    failures.record = 0
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await seen.count(3)).toEqual([1, 1, 2])
    expect(recorded[0]).toBe('g/Items/items/a')
  })

  test('a stop does not wait for a store that is down', async () => {
    const { store, failures } = watchedStore()
    failures.seen = Infinity
    await using setup = setUp({ consumer: { dedupeStore: store, retryDelayMs: 100_000, retryMaxDelayMs: 100_000 } })
    const errored = setup.heard('consumer.errored')
    await sendWithIds(
      setup,
      range(1, 50).map((n) => [n, `id${n}`]),
    )
    const running = await setup.messaging.consumers.run([handling(() => undefined)])
    await errored.count(1)
    await running.stop()
    expect(errored.values).toHaveLength(1)
    expect(setup.committed()).toEqual({})
  })

  test('what its filter leaves out is neither asked for nor recorded', async () => {
    const { store, asked, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const seen = new Collected<number>()
    class Items extends handling((message) => seen.add(numberOf(message))) {
      override filter = ({ offset }: { offset: number }): boolean => offset > 0
    }
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'b'],
    ])
    const running = await setup.messaging.consumers.run([Items])
    await seen.count(1)
    await running.stop()
    expect([asked, recorded]).toEqual([[['g/Items/items/b']], ['g/Items/items/b']])
    expect(setup.committed()).toEqual({ 'items/0': 2 })
  })

  test.each<[string, ConsumerOptions]>([
    ['by way of a retry topic', { retryOrder: 'none' }],
    ['later, in the order of keys', { retryOrder: 'key' }],
  ])('a message that comes back %s is the same one', async (_name, options) => {
    const { store, recorded } = watchedStore()
    const consumer = { dedupeStore: store, retryAttempts: 1, retryLaterMs: [1], ...options }
    await using setup = setUp({ consumer })
    const seen = new Collected<number>()
    const duplicates = setup.heard('message.deduplicated')
    await sendWithIds(setup, [[1, 'a']])
    const Items = handling((message) => {
      seen.add(message.attempt)
      if (message.attempt === 1) throw new Error('no')
    })
    await using _ = await setup.messaging.consumers.run([Items])
    await seen.count(2)
    await sendWithIds(setup, [[1, 'a']])
    await duplicates.count(1)
    expect(recorded).toEqual(['g/Items/items/a'])
  })

  test('two of one message without key are not handled side by side', async () => {
    await using setup = setUp({ consumer: { dedupeStore: createMemoryDedupeStore(), keyConcurrency: 10 } })
    const seen = new Collected<number>()
    const duplicates = setup.heard('message.deduplicated')
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
    ])
    const Items = handling(async (message) => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.add(numberOf(message))
    })
    await using _ = await setup.messaging.consumers.run([Items])
    await duplicates.count(1)
    expect(new Set(await seen.count(2))).toEqual(new Set([1, 3]))
  })

  test('each group and manifest has ids of its own; long ones are kept as their hash', async () => {
    const { store, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store } })
    const seen = new Collected<number>()
    const One = class One extends handling((message) => seen.add(numberOf(message)), { group: 'a/b' }) {}
    const Two = class Two extends handling((message) => seen.add(numberOf(message)), { messageIdHeader: 'id' }) {}
    const headers = { [header]: 'x'.repeat(129), id: 'y' }
    await setup.messaging.registry.send(Sent, { n: 1 }, { headers })
    const running = await setup.messaging.consumers.run([One, Two])
    await seen.count(2)
    await running.stop()
    expect(recorded.toSorted()[0]).toMatch(/^a%2Fb\/One\/items\/[\w-]{43}$/)
    expect(recorded.toSorted()[1]).toBe('g/Two/items/y')
  })

  test('a stream does without: what it gave is not known to be handled', async () => {
    const { store, asked, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store } })
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'a'],
    ])
    for await (const batch of setup.messaging.consumers.stream(handling(() => undefined))) {
      expect(batch.messages).toHaveLength(2)
      break
    }
    expect([asked, recorded]).toEqual([[], []])
  })

  test('in transactions an id is recorded after the commit', async () => {
    const { store, recorded } = watchedStore()
    await using setup = setUp({ consumer: { dedupeStore: store, commit: 'transaction' } })
    const seen = new Collected<readonly number[]>()
    const duplicates = setup.heard('message.deduplicated')
    await sendWithIds(setup, [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
    ])
    const running = await setup.messaging.consumers.run([
      handlingBatches((batch) => {
        expect(recorded).toEqual([])
        seen.add(numbersOf(batch))
      }),
    ])
    expect(await seen.count(1)).toEqual([[1, 3]])
    await duplicates.count(1)
    await running.stop()
    expect(recorded).toHaveLength(2)
    expect(setup.committed()).toEqual({ 'items/0': 3 })
  })
})
