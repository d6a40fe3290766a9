import { describe, expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../src/config/fields.ts'
import { createMessaging } from '../../../src/index.ts'
import { Collected, handling, handlingBatches, numberOf, range, Sent, setUp, type Setup } from '../consume.ts'
import { holdClock } from '../hold-clock.ts'

const byTopics: ConsumerOptions = { retryAttempts: 1, retryLaterMs: [1, 1], retryOrder: 'none' }

function headersOf(setup: Setup, topic: string): Record<string, string>[] {
  return setup.driver
    .records(topic)
    .map(({ headers }) => Object.fromEntries(headers.map(([name, value]) => [name, value.toString()])))
}

describe('with retry topics', () => {
  test('a message that fails goes on from one to the next while others go ahead, then to the dead letter topic', async () => {
    await using setup = setUp({ consumer: byTopics })
    const seen = new Collected<string>()
    const deferred = setup.heard('message.deferred')
    const dead = setup.heard('message.dead_lettered')
    const Items = handling((message) => {
      seen.add(`${message.topic} ${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 2) throw new RangeError('no')
    })
    await setup.messaging.registry.send(Sent, { n: 1 })
    const sentAt = Date.now() - 1_000
    await setup.messaging.registry.send(Sent, { n: 2 }, { key: 'k', headers: { tenant: 'a' }, timestamp: sentAt })
    await setup.messaging.registry.send(Sent, { n: 3 })
    const running = await setup.messaging.consumers.run([Items])
    await dead.count(1)
    expect((await seen.count(5)).toSorted()).toEqual([
      'items 1#1',
      'items 2#1',
      'items 3#1',
      'items.g.retry-1 2#2',
      'items.g.retry-2 2#3',
    ])
    const { partitions, ...counts } = running.health().consumers[0]!
    expect(counts).toMatchObject({ deferred: 2, rejected: 1, deadLettered: 1 })
    expect(new Set(partitions.map(({ topic }) => topic))).toContain('items.g.retry-2')
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 3, 'items.g.retry-1/0': 1, 'items.g.retry-2/0': 1 })
    // Who is told first that a retry topic has it, is not said.
    expect(deferred.values.toSorted((a, b) => a.attempts - b.attempts)).toMatchObject([
      { topic: 'items', offset: 1, attempts: 1, retryInMs: 1, retryTopic: 'items.g.retry-1' },
      { topic: 'items.g.retry-1', offset: 0, attempts: 2, retryTopic: 'items.g.retry-2' },
    ])
    const [retried] = headersOf(setup, 'items.g.retry-2')
    const origin = { topic: 'items', partition: '0', offset: '1', timestamp: String(sentAt), attempts: '2' }
    for (const [name, value] of Object.entries(origin)) expect(retried![`postrider-retry-${name}`]).toBe(value)
    expect(retried).toMatchObject({ tenant: 'a', 'postrider-retry-error-name': 'RangeError' })
    const [letter] = headersOf(setup, 'items.dead-letter')
    expect(letter).toMatchObject({ tenant: 'a', 'postrider-dead-letter-attempts': '3' })
    for (const name of ['topic', 'partition', 'offset', 'timestamp'] as const)
      expect(letter![`postrider-dead-letter-${name}`]).toBe(origin[name])
    expect(Object.keys(letter!).filter((name) => name.startsWith('postrider-retry-'))).toEqual([])
    expect(setup.driver.records('items.dead-letter')[0]).toMatchObject({ key: Buffer.from('k') })
  })

  test('a handler sees where a message came from, and when it was sent', async () => {
    await using setup = setUp({ consumer: byTopics })
    const seen = new Collected<unknown>()
    const timestamp = Date.now() - 50_000
    const Items = handling((message) => {
      const { origin } = message
      seen.add([message.timestamp, origin.topic, origin.partition, origin.offset, origin.timestamp])
      if (message.attempt === 1) throw new Error('no')
    })
    await setup.messaging.registry.send(Sent, { n: 1 }, { timestamp })
    await using _ = await setup.messaging.consumers.run([Items])
    const expected = [timestamp, 'items', 0, 0, timestamp]
    expect(await seen.count(2)).toEqual([expected, expected])
  })

  test('a copy is as old as itself: one of the age of its origin might be deleted at once', async () => {
    await using setup = setUp({ consumer: byTopics })
    const dead = setup.heard('message.dead_lettered')
    await setup.messaging.registry.send(Sent, { n: 1 }, { timestamp: 1_000 })
    const startedAt = Date.now()
    await using _ = await setup.messaging.consumers.run([handling(() => Promise.reject(new Error('no')))])
    await dead.count(1)
    for (const topic of ['items.g.retry-1', 'items.g.retry-2', 'items.dead-letter'])
      expect(setup.driver.records(topic)[0]!.timestamp).toBeGreaterThanOrEqual(startedAt)
  })

  test('what is not due holds its partition of the retry topic only, also over a restart', async () => {
    const advance = holdClock()
    await using setup = setUp({ consumer: { ...byTopics, retryLaterMs: [200] } })
    const paused = setup.heard('partition.paused')
    const deferred = setup.heard('message.deferred')
    const seen = new Collected<string>()
    const Items = handling((message) => {
      seen.add(`${numberOf(message)}#${message.attempt}`)
      if (numberOf(message) === 1 && message.attempt === 1) throw new Error('no')
    })
    await setup.send([1])
    const first = await setup.messaging.consumers.run([Items])
    await deferred.count(1)
    const due = Number(headersOf(setup, 'items.g.retry-1')[0]!['postrider-retry-due'])
    await paused.count(1)
    expect(paused.values[0]).toMatchObject({ topic: 'items.g.retry-1', owner: 'delay' })
    await setup.send([2])
    await seen.count(2)
    await first.stop()
    const before = paused.values.length
    await using _ = await setup.messaging.consumers.run([Items])
    await paused.count(before + 1)
    expect(seen.values).toEqual(['1#1', '2#1'])
    advance(due - Date.now())
    expect(await seen.count(3)).toEqual(['1#1', '2#1', '1#2'])
  })

  test('a retry topic is read from its beginning, though the consumer starts from the end', async () => {
    await using setup = setUp({ consumer: { ...byTopics, startFrom: 'latest', retryLaterMs: [1] } })
    const assigned = setup.heard('partition.assigned')
    const seen = new Collected<number>()
    await setup.send([0])
    const Items = handling((message) => {
      seen.add(message.attempt)
      if (message.attempt === 1) throw new Error('no')
    })
    await using _ = await setup.messaging.consumers.run([Items])
    await assigned.count(1)
    // The retry topic is made by the first message to it, which is there before anybody is given its partition.
    await setup.send([1])
    expect(await seen.count(2)).toEqual([1, 2])
  })

  test('is not committed before the retry topic has it, and stays where it was when the consumer stops', async () => {
    await using setup = setUp({ consumer: byTopics })
    const errored = setup.heard('consumer.errored')
    const deferred = setup.heard('message.deferred')
    const reason = 'larger than max.message.bytes'
    const heal = setup.driver.failWhen(({ topic }) =>
      topic === 'items.g.retry-1' ? { code: 'MESSAGE_TOO_LARGE', reason } : undefined,
    )
    const Items = handling(({ attempt }) => {
      if (attempt === 1) throw new Error('no')
    })
    await setup.send([1])
    const first = await setup.messaging.consumers.run([Items])
    await errored.count(3)
    expect(errored.values[0]!.error).toMatchObject({ code: 'RETRY_TOPIC_FAILED', manifest: 'Items' })
    await first.stop()
    expect(setup.committed()).toEqual({})
    heal()
    await using _ = await setup.messaging.consumers.run([Items])
    await deferred.count(1)
  })

  test('an error that no attempt helps against, or bytes that cannot be decoded, go to the dead letter topic at once', async () => {
    await using setup = setUp({ consumer: byTopics })
    const dead = setup.heard('message.dead_lettered')
    class Items extends handling(() => Promise.reject(new Error('final'))) {
      override retries = (): boolean => false
    }
    await setup.send([1])
    class Broken extends Sent {
      override readonly codec = 'string' as never
    }
    await setup.messaging.registry.send(Broken as never, '{not json' as never)
    await using _ = await setup.messaging.consumers.run([Items])
    await dead.count(2)
    expect(setup.driver.records('items.g.retry-1')).toEqual([])
  })

  test('attempts at once come first, in the partition itself only', async () => {
    await using setup = setUp({ consumer: { ...byTopics, retryAttempts: 3 } })
    const seen = new Collected<string>()
    const dead = setup.heard('message.dead_lettered')
    const Items = handling((message) => {
      seen.add(`${message.topic}#${message.attempt}`)
      throw new Error('no')
    })
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([Items])
    await dead.count(1)
    expect(seen.values).toEqual(['items#1', 'items#2', 'items#3', 'items.g.retry-1#4', 'items.g.retry-2#5'])
  })

  test('of a batch only what fails goes there, and what comes back is in batches too', async () => {
    await using setup = setUp({ consumer: byTopics })
    const handled = new Collected<number>()
    const Items = handlingBatches((batch, context) => {
      for (const [index, message] of batch.entries()) {
        if (numberOf(message) % 3 === 0 && message.topic === 'items') throw context.failedAt(index, new Error('no'))
        handled.add(numberOf(message))
      }
    })
    await setup.send(range(1, 9))
    await using _ = await setup.messaging.consumers.run([Items])
    expect((await handled.count(9)).toSorted((a, b) => a - b)).toEqual(range(1, 9))
  })

  test('with at most once there is no further attempt', async () => {
    await using setup = setUp({ consumer: { ...byTopics, commit: 'before' } })
    const dead = setup.heard('message.dead_lettered')
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([handling(() => Promise.reject(new Error('no')))])
    await dead.count(1)
    expect(setup.driver.records('items.g.retry-1')).toEqual([])
  })

  test('a stream neither writes nor reads them', async () => {
    await using setup = setUp({ consumer: byTopics })
    class Retried extends Sent {
      override readonly topic = 'items.g.retry-1' as never
    }
    await setup.messaging.registry.send(Retried, { n: 0 })
    await setup.send([1])
    const assigned = setup.heard('partition.assigned')
    for await (const batch of setup.messaging.consumers.stream(handling(() => undefined))) {
      await batch.commit()
      break
    }
    expect(assigned.values.map(({ topic }) => topic)).toEqual(['items'])
  })

  test('what somebody else put there is handled as it is, and its dead letter goes where those of the topic go', async () => {
    await using setup = setUp({ consumer: byTopics })
    const dead = setup.heard('message.dead_lettered')
    const seen = new Collected<string>()
    class Foreign extends Sent {
      override readonly topic = 'items.g.retry-2' as never
    }
    const headers = { 'postrider-retry-topic': 'other', 'postrider-retry-attempts': 'many' }
    await setup.messaging.registry.send(Foreign, { n: 1 }, { headers })
    await using _ = await setup.messaging.consumers.run([
      handling((message) => {
        seen.add(`${message.origin.topic}#${message.attempt}`)
        throw new Error('no')
      }),
    ])
    await dead.count(1)
    expect(seen.values).toEqual(['items.g.retry-2#3'])
    expect(headersOf(setup, 'items.dead-letter')).toMatchObject([
      { 'postrider-dead-letter-topic': 'items.g.retry-2', 'postrider-dead-letter-attempts': '3' },
    ])
  })

  test('two groups have retry topics of their own', async () => {
    await using setup = setUp({ consumer: byTopics })
    const other = createMessaging({ driver: setup.driver, consumer: { ...byTopics, group: 'h' } }, {})
    const seen = new Collected<string>()
    const Fails = handling((message) => {
      if (message.attempt === 1) throw new Error('no')
      seen.add(message.topic)
    })
    await setup.send([1])
    await setup.messaging.consumers.run([Fails])
    await other.consumers.run([Fails])
    expect((await seen.count(2)).toSorted()).toEqual(['items.g.retry-1', 'items.h.retry-1'])
    await other.close()
  })

  test('a pattern has one chain of them for all its topics, and never means dead letters of its own', async () => {
    await using setup = setUp({ consumer: { ...byTopics, retryTopic: 'retries.{group}.{n}' } })
    const dead = setup.heard('message.dead_lettered')
    const seen = new Collected<string>()
    class ByPattern extends handling(
      (message) => {
        seen.add(`${message.topic} of ${message.origin.topic}`)
        throw new Error('no')
      },
      { topic: undefined },
    ) {
      override readonly pattern = /^items/
    }
    class Others extends Sent {
      override readonly topic = 'items.more' as never
    }
    await setup.send([1])
    await setup.messaging.registry.send(Others, { n: 2 })
    await using _ = await setup.messaging.consumers.run([ByPattern])
    await dead.count(2)
    expect(dead.values.map(({ deadLetterTopic }) => deadLetterTopic).toSorted()).toEqual([
      'items.dead-letter',
      'items.more.dead-letter',
    ])
    expect(seen.values.toSorted()).toEqual([
      'items of items',
      'items.more of items.more',
      'retries.g.1 of items',
      'retries.g.1 of items.more',
      'retries.g.2 of items',
      'retries.g.2 of items.more',
    ])
  })
})
