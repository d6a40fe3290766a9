import { describe, expect, test } from 'vitest'
import { isMessagingError, type ReceivedParts } from '../../../src/index.ts'
import { MessagingError } from '../../../src/errors/messaging-error.ts'
import { Collected, handling, numberOf, range, Sent, setUp, type Item } from '../consume.ts'

describe('a handler that fails', () => {
  test('is called again, with the number of the attempt, and the messages after it wait', async () => {
    await using setup = setUp()
    const failed = setup.heard('attempt.failed')
    const seen = new Collected<string>()
    const Items = handling((message) => {
      seen.add(`${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 2 && message.attempt < 3) throw new TypeError('secret')
    })
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await seen.count(5)).toEqual(['1#1', '2#1', '2#2', '2#3', '3#1'])
    expect(failed.values).toMatchObject([
      { manifest: 'Items', topic: 'items', offset: 1, attempt: 1, error: { code: 'HANDLER_FAILED' } },
      { attempt: 2 },
    ])
    expect(failed.values[0]!.error.message).toBe('The handler of Items failed: it threw TypeError.')
  })

  test('for good, gives the message to the dead letter topic as it came, and is committed then', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 2 } })
    const stored = setup.heard('message.dead_lettered')
    const rejected = setup.heard('message.rejected')
    const Items = handling(() => Promise.reject(new RangeError('no')))
    await setup.messaging.registry.send(Sent, { n: 1 }, { key: 'k', headers: { tenant: 'a' } })
    const running = await setup.messaging.consumers.run([Items])
    await stored.count(1)
    await running.stop()
    const [record] = setup.driver.records('items.dead-letter')
    expect(record).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('{"n":1}') })
    const headers = Object.fromEntries(record!.headers.map(([name, value]) => [name, value.toString()]))
    expect(headers).toMatchObject({
      tenant: 'a',
      'postrider-dead-letter-topic': 'items',
      'postrider-dead-letter-partition': '0',
      'postrider-dead-letter-offset': '0',
      'postrider-dead-letter-group': 'g',
      'postrider-dead-letter-consumer': 'Items',
      'postrider-dead-letter-attempts': '2',
      'postrider-dead-letter-error-code': 'HANDLER_FAILED',
      'postrider-dead-letter-error-name': 'RangeError',
    })
    expect(rejected.values).toMatchObject([{ attempts: 2, action: 'dead-letter', offset: 0 }])
    expect(setup.committed()).toEqual({ 'items/0': 1 })
  })

  test('with an error that no attempt helps against is not called again', async () => {
    await using setup = setUp({ consumer: { onFailure: 'skip' } })
    const seen = new Collected<number>()
    class Items extends handling((message) => {
      seen.add(message.attempt)
      throw new Error(message.offset === 0 ? 'final' : 'passing')
    }) {
      override retries = (error: unknown, { offset }: ReceivedParts): boolean => {
        if (offset === 2) throw new Error('the policy itself fails')
        return (error as Error).message === 'passing'
      }
    }
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await seen.count(13)).toEqual([1, ...range(1, 6), ...range(1, 6)])
  })

  test('stops the consumer where that is the choice, and the message is not committed', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 1, onFailure: 'stop' } })
    const Items = handling((message) => {
      if (numberOf(message) === 2) throw new Error('no')
    })
    await setup.send(range(1, 3))
    const running = await setup.messaging.consumers.run([Items])
    const error = await running.finished.catch((thrown: unknown) => thrown)
    expect(isMessagingError(error, 'HANDLER_FAILED')).toBe(true)
    expect(setup.committed()).toEqual({ 'items/0': 1 })
    expect(running.health()).toMatchObject({ state: 'stopped', isAlive: false, isReady: false })
  })

  test('does not hold back other partitions', async () => {
    await using setup = setUp(
      { consumer: { retryDelayMs: 100_000, retryMaxDelayMs: 100_000, concurrency: 1 } },
      { partitions: 2 },
    )
    const seen = new Collected<number>()
    const failed = setup.heard('attempt.failed')
    const Items = handling((message) => {
      if (message.partition === 0) throw new Error('no')
      seen.add(numberOf(message))
    })
    await setup.send([1], 0)
    const running = await setup.messaging.consumers.run([Items])
    await failed.count(1)
    await setup.send([2], 1)
    expect(await seen.count(1)).toEqual([2])
    const waiting = running.health().consumers[0]!.partitions.find(({ partition }) => partition === 0)!
    expect(waiting.pauses).toMatchObject([{ owner: 'retry', reason: 'attempt 1 of offset 0: HANDLER_FAILED' }])
  })
})

describe('a message that cannot be decoded', () => {
  test('goes to the dead letter topic at once, and its neighbours are handled', async () => {
    await using setup = setUp()
    const seen = new Collected<number>()
    const stored = setup.heard('message.dead_lettered')
    await setup.send([1])
    class Broken extends Sent {
      override readonly codec = 'string' as never
    }
    await setup.messaging.registry.send(Broken as never, '{not json' as never)
    await setup.send([3])
    const running = await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    expect(await seen.count(2)).toEqual([1, 3])
    await stored.count(1)
    const [record] = setup.driver.records('items.dead-letter')
    expect(record!.value!.toString()).toBe('{not json')
    expect(running.health().consumers[0]).toMatchObject({ rejected: 1, deadLettered: 1 })
  })

  test('for want of the schema registry waits, however long', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 1 } })
    const seen = new Collected<number>()
    let asked = 0
    class Items extends handling((message) => seen.add(message.attempt)) {
      override codec = {
        name: 'far away',
        encode: () => Buffer.of(),
        decode: (): Promise<Item> =>
          ++asked < 9
            ? Promise.reject(new MessagingError('SCHEMA_REGISTRY_UNREACHABLE', { reason: 'down' }))
            : Promise.resolve({ n: 1 }),
      }
    }
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await seen.count(1)).toEqual([9])
  })

  test('because its codec throws anything goes there too', async () => {
    await using setup = setUp()
    const rejected = setup.heard('message.rejected')
    class Items extends handling(() => undefined) {
      override codec = {
        name: 'broken',
        encode: () => Buffer.of(),
        decode: (): Item => {
          throw new SyntaxError('with the payload in it')
        },
      }
    }
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([Items])
    expect((await rejected.count(1))[0]).toMatchObject({ attempts: 1, error: { code: 'PAYLOAD_UNDECODABLE' } })
    expect(rejected.values[0]!.error.message).not.toContain('payload')
  })
})

describe('a dead letter that is not stored', () => {
  test.each([
    ['its topic is missing', 'TOPIC_NOT_FOUND'],
    ['its topic takes smaller messages only', 'MESSAGE_TOO_LARGE'],
    ['no broker is reached', 'BROKERS_UNREACHABLE'],
  ] as const)('is tried again until it is, where %s; nothing is committed before', async (_name, code) => {
    await using setup = setUp({ consumer: { retryAttempts: 1 } })
    const errored = setup.heard('consumer.errored')
    const stored = setup.heard('message.dead_lettered')
    const heal = setup.driver.failWhen(({ topic }) =>
      topic === 'items.dead-letter' ? { code, reason: 'not there' } : undefined,
    )
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([handling(() => Promise.reject(new Error('no')))])
    await errored.count(3)
    expect(errored.values[0]!.error).toMatchObject({ code: 'DEAD_LETTER_FAILED', manifest: 'Items' })
    expect(setup.committed()).toEqual({})
    heal()
    await stored.count(1)
  })

  test('stays where it was when the consumer stops', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 1, retryDelayMs: 100_000, retryMaxDelayMs: 100_000 } })
    const errored = setup.heard('consumer.errored')
    setup.driver.failWhen(({ topic }) =>
      topic === 'items.dead-letter' ? { code: 'TOPIC_NOT_FOUND', reason: 'not there' } : undefined,
    )
    await setup.send([1])
    const running = await setup.messaging.consumers.run([handling(() => Promise.reject(new Error('no')))])
    await errored.count(1)
    await running.stop()
    expect(setup.committed()).toEqual({})
  })
})
