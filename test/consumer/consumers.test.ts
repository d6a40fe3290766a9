import { describe, expect, test } from 'vitest'
import { ConsumerManifest, type ReceivedMessage } from '../../src/index.ts'
import { catchRejection } from '../catch-error.ts'
import { Collected, handling, handlingBatches, numberOf, numbersOf, range, Sent, setUp, type Item } from './consume.ts'

describe('what was sent', () => {
  test('is handled in order, committed, and not handled again by the next run', async () => {
    await using setup = setUp()
    const seen = new Collected<number>()
    const Items = handling((message) => seen.add(numberOf(message)))
    await setup.send(range(1, 50))
    const running = await setup.messaging.consumers.run([Items])
    expect(await seen.count(50)).toEqual(range(1, 50))
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 50 })
    await setup.send([51])
    await using _ = await setup.messaging.consumers.run([Items])
    await seen.count(51)
    expect(seen.values.slice(50)).toEqual([51])
  })

  test('comes with key, headers, origin, time, trace and attempt', async () => {
    await using setup = setUp()
    const seen = new Collected<ReceivedMessage<Item>>()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { traceparent, tenant: ['a', 'b'] }
    await setup.messaging.registry.send(Sent, { n: 1 }, { key: 'k', headers, timestamp: 1_700_000_000_000 })
    await setup.messaging.registry.tombstone(Sent, 'k')
    await using _ = await setup.messaging.consumers.run([handling((message) => seen.add(message))])
    const [first, second] = await seen.count(2)
    expect(first).toMatchObject({ topic: 'items', partition: 0, offset: 0, attempt: 1, isTombstone: false })
    expect(first).toMatchObject({ payload: { n: 1 }, key: Buffer.from('k'), timestamp: 1_700_000_000_000 })
    expect(first!.header('tenant')).toBe('b')
    expect(first!.header('none')).toBeUndefined()
    expect(first!.trace).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', isRemote: true })
    expect(second).toMatchObject({ isTombstone: true, payload: null, value: null, headers: [], trace: undefined })
  })

  test('comes in batches of one partition, no larger than asked for', async () => {
    await using setup = setUp({}, { partitions: 2 })
    const batches = new Collected<number[]>()
    await setup.send(range(1, 25), 0)
    await setup.send(range(101, 105), 1)
    const Items = handlingBatches((messages) => batches.add(numbersOf(messages)), { maxMessages: 10 })
    await using _ = await setup.messaging.consumers.run([Items])
    await batches.count(4)
    expect(batches.values.toSorted((a, b) => a[0]! - b[0]!)).toEqual([
      range(1, 10),
      range(11, 20),
      range(21, 25),
      range(101, 105),
    ])
  })

  test('that the filter does not want counts as done, and is not decoded', async () => {
    await using setup = setUp()
    const seen = new Collected<number>()
    class Wanted extends handling((message) => seen.add(numberOf(message))) {
      override filter = ({ offset }: { offset: number }): boolean => offset % 2 === 1
      override codec = {
        name: 'counting',
        encode: () => Buffer.of(),
        decode: (bytes: Buffer): Item => {
          decoded++
          return JSON.parse(bytes.toString())
        },
      }
    }
    let decoded = 0
    await setup.send(range(1, 5))
    const running = await setup.messaging.consumers.run([Wanted])
    await seen.count(2)
    await running.stop()
    expect([seen.values, decoded, setup.committed()]).toEqual([[2, 4], 2, { 'items/0': 5 }])
  })
})

test('consumers of one group are one member, each with its own topics; several groups read for themselves', async () => {
  await using setup = setUp({ topicPrefix: 'dev.' })
  class Other extends Sent {
    override readonly topic = 'others' as never
  }
  const seen = new Collected<string>()
  const read = (name: string, where: object) =>
    class extends ConsumerManifest<Item> {
      static override manifestName = name

      constructor() {
        super()
        Object.assign(this, where)
      }

      override handle(message: ReceivedMessage<Item>): void {
        seen.add(`${name} ${message.topic} ${numberOf(message)}`)
      }
    }
  await setup.send([1])
  await setup.messaging.registry.send(Other, { n: 2 })
  await using _ = await setup.messaging.consumers.run([
    read('A', { topic: 'items' }),
    read('B', { topics: ['others'] }),
    read('C', { pattern: /^(items|others)$/, group: 'h' }),
  ])
  await seen.count(4)
  expect(seen.values.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'A dev.items 1',
    'B dev.others 2',
    'C dev.items 1',
    'C dev.others 2',
  ])
  expect(setup.driver.openClients).toBe(1 + 2)
})

describe('commit modes', () => {
  test('each: a message is committed before the next one begins', async () => {
    await using setup = setUp({ consumer: { commit: 'each', commitIntervalMs: 100_000 } })
    const positions = new Collected<number | undefined>()
    const Items = handling(() => positions.add(setup.committed()['items/0']))
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await positions.count(3)).toEqual([undefined, 1, 2])
  })

  test('before: a message is committed before it is handled, and a failed one never comes again', async () => {
    await using setup = setUp({ consumer: { commit: 'before', maxMessages: 1, onFailure: 'skip' } })
    const positions = new Collected<number | undefined>()
    const Items = handling(() => {
      positions.add(setup.committed()['items/0'])
      throw new Error('no')
    })
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await positions.count(3)).toEqual([1, 2, 3])
  })

  test('manual: nothing but what the handler commits', async () => {
    await using setup = setUp({ consumer: { commit: 'manual' } })
    const seen = new Collected<number>()
    const Items = handling(async (message, context) => {
      if (numberOf(message) === 2) await context.commit(message)
      seen.add(numberOf(message))
    })
    await setup.send(range(1, 4))
    const running = await setup.messaging.consumers.run([Items])
    await seen.count(4)
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 2 })
  })

  test('interval: a commit that fails is made again', async () => {
    await using setup = setUp()
    const errored = setup.heard('consumer.errored')
    const committed = setup.heard('offset.committed')
    setup.driver.failCommit({ code: 'BROKER_UNAVAILABLE', reason: 'not now' })
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([handling(() => undefined)])
    expect((await errored.count(1))[0]).toMatchObject({ manifest: 'Items', error: { code: 'COMMIT_FAILED' } })
    expect((await committed.count(1))[0]).toMatchObject({ topic: 'items', partition: 0, offset: 1 })
  })
})

test('partitions are handled side by side, no more than allowed', async () => {
  await using setup = setUp({ consumer: { concurrency: 2 } }, { partitions: 4 })
  for (const partition of [0, 1, 2, 3]) await setup.send([partition], partition)
  let [now, most] = [0, 0]
  const seen = new Collected<number>()
  const gate = Promise.withResolvers<void>()
  const Items = handling(async (message) => {
    most = Math.max(most, ++now)
    if (now === 2) gate.resolve()
    await gate.promise
    now--
    seen.add(numberOf(message))
  })
  await using _ = await setup.messaging.consumers.run([Items])
  expect((await seen.count(4)).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
  expect(most).toBe(2)
})

test('keys are handled side by side, each in order; nothing is committed past what is not done', async () => {
  await using setup = setUp({ consumer: { keyConcurrency: 10 } })
  const keys = ['a', 'b', 'a', 'b', 'a']
  for (const [n, key] of keys.entries()) await setup.messaging.registry.send(Sent, { n }, { key })
  const gate = Promise.withResolvers<void>()
  const seen = new Collected<number>()
  const Items = handling(async (message) => {
    if (message.key?.toString() === 'a') await gate.promise
    seen.add(numberOf(message))
  })
  await using _ = await setup.messaging.consumers.run([Items])
  expect(await seen.count(2)).toEqual([1, 3])
  const commit = setup.heard('offset.committed')
  gate.resolve()
  expect((await seen.count(5)).slice(2)).toEqual([0, 2, 4])
  expect((await commit.count(1)).at(-1)).toMatchObject({ offset: 5 })
})

test('a partition whose keys all wait for another attempt leaves its place to others', async () => {
  await using setup = setUp(
    { consumer: { keyConcurrency: 2, concurrency: 1, retryDelayMs: 100_000, retryMaxDelayMs: 100_000 } },
    { partitions: 2 },
  )
  const failed = setup.heard('attempt.failed')
  let [now, most] = [0, 0]
  const seen = new Collected<number>()
  const Items = handling(async (message) => {
    most = Math.max(most, ++now)
    await Promise.resolve()
    now--
    if (message.partition === 0) throw new Error('no')
    seen.add(numberOf(message))
  })
  for (const key of ['a', 'b']) await setup.messaging.registry.send(Sent, { n: 0 }, { key, partition: 0 })
  await using _ = await setup.messaging.consumers.run([Items])
  await failed.count(2)
  await setup.send([1, 2, 3], 1)
  await seen.count(3)
  expect(most).toBe(2)
})

test('context.commit() is for the mode manual', async () => {
  await using setup = setUp({ consumer: { onFailure: 'stop', retryAttempts: 1 } })
  const Items = handling((message, context) => context.commit(message))
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  expect((await catchRejection(running.finished)).message).toContain('INPUT_INVALID')
  expect(setup.committed()).toEqual({})
})

describe('settings of one run', () => {
  test('win over every layer, for all of its manifests', async () => {
    await using setup = setUp({ consumers: { Items: { startFrom: 'latest' } } })
    const seen = new Collected<number>()
    const Items = handling((message) => seen.add(numberOf(message)), { startFrom: 'latest' })
    await setup.send(range(1, 5))
    const options = { startFrom: { offsets: [3] }, group: 'replay' }
    await using _ = await setup.messaging.consumers.run([Items], options)
    expect(await seen.count(2)).toEqual([4, 5])
    expect(setup.committed()).toEqual({})
  })

  test('are those of a stream, too, which commits by hand in any case', async () => {
    await using setup = setUp()
    await setup.send(range(1, 5))
    const stream = setup.messaging.consumers.stream(
      handling(() => undefined),
      {
        maxMessages: 2,
        partitions: 'all',
        commit: 'each',
      },
    )
    for await (const batch of stream) {
      expect(batch.messages.map(({ offset }) => offset)).toEqual([0, 1])
      break
    }
    expect(setup.committed()).toEqual({})
  })

  test.each([
    [{ startFrom: 'yesterday' }, 'CONFIG_INVALID', 'consumers.run().startFrom'],
    [{ startform: 'latest' }, 'CONFIG_UNKNOWN_FIELD', 'Did you mean startFrom?'],
  ])('are checked: %o', async (options, code, message) => {
    await using setup = setUp()
    const error = await catchRejection(setup.messaging.consumers.run([handling(() => undefined)], options as never))
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
    setup.messaging.configure({ consumer: { maxMessages: 1 } })
  })
})

describe('what cannot run', () => {
  class One extends handling(() => undefined) {}
  test.each([
    ['no manifest', {}, ['OrderPlaced'], { code: 'CONSUMER_UNKNOWN' }],
    ['two for one topic', {}, [One, class Two extends One {}], { code: 'MANIFEST_INVALID' }],
    ['one twice', {}, [One, One], { code: 'MANIFEST_INVALID' }],
  ])('%s', async (_name, options, manifests: readonly unknown[], expected) => {
    await using setup = setUp(options)
    expect(await catchRejection(setup.messaging.consumers.run(manifests as never))).toMatchObject(expected)
  })
})
