import { expect, test } from 'vitest'
import { createMessaging, ProducerManifest, type MessagingOptions, type RunningConsumers } from '../../src/index.ts'
import { recordEvents } from '../record-events.ts'
import { withMockCluster } from '../with-mock-cluster.ts'
import { Collected, handling, handlingBatches, numberOf, numbersOf, range, Sent } from './consume.ts'
import { expectMovingPartitions } from './expect-moving-partitions.ts'
import { expectOrderedKeys } from './expect-ordered-keys.ts'

const cluster = withMockCluster()

const setUp = (consumer: MessagingOptions['consumer']) =>
  createMessaging({ brokers: cluster.brokers, closeOnExit: false, consumer: { protocol: 'consumer', ...consumer } }, {})

test('librdkafka: what fails goes to the dead letter topic', async () => {
  await using messaging = setUp({ group: 'failing', retryAttempts: 2, retryDelayMs: 1 })
  const dead = new Collected<string | undefined>()
  class Failing extends Sent {
    override readonly topic = 'failing' as never
  }
  const Fail = handling(() => Promise.reject(new Error('no')), { topic: 'failing' })
  const ReadDead = class ReadDead extends handling(
    (message) => dead.add(message.header('postrider-dead-letter-attempts')),
    { topic: 'failing.dead-letter', group: 'dead' },
  ) {}
  await messaging.registry.send(Failing, { n: 1 })
  await messaging.registry.send(
    class Made extends Sent {
      override readonly topic = 'failing.dead-letter' as never
    },
    { n: 0 },
  )
  await using _ = await messaging.consumers.run([Fail, ReadDead])
  expect(await dead.count(2)).toContain('2')
})

test('librdkafka: partitions move to a second member and back without anything handled twice', async () => {
  const consumer = { group: 'moving', maxMessages: 1, commitIntervalMs: 100_000 }
  await using first = setUp(consumer)
  await using second = setUp(consumer)
  class Moving extends Sent {
    override readonly topic = 'moving' as never
  }
  await expectMovingPartitions([first, second], Moving)
})

test('librdkafka: a group starts where it is told to, once, and goes on where it has committed', async () => {
  await using messaging = setUp({ group: 'again', commitIntervalMs: 50, startPolicy: 'always' })
  class Again extends Sent {
    override readonly topic = 'again' as never
  }
  const seen = new Collected<number>()
  const Items = handling((message) => seen.add(numberOf(message)), { topic: 'again', startFrom: { offsets: [3] } })
  const payloads = range(0, 4).map((n) => ({ n }))
  await messaging.registry.sendMany(Again, payloads, { partition: 0 })
  for (const count of [2, 4]) {
    const running = await messaging.consumers.run([Items])
    await seen.count(count)
    await running.stop()
  }
  expect(seen.values).toEqual([3, 4, 3, 4])
})

test('librdkafka: what a handler sends and its offsets are one transaction, a batch at a time', async () => {
  await using messaging = setUp({ group: 'transactions', commit: 'transaction', retryDelayMs: 1 })
  class Taken extends Sent {
    override readonly topic = 'taken' as never
  }
  class Given extends Sent {
    override readonly topic = 'given' as never
  }
  const transactions = recordEvents('transaction.committed')
  const given = new Collected<number>()
  const Take = handlingBatches(
    async (messages, { transaction }) => {
      await transaction.sendMany(
        Given,
        numbersOf(messages).map((n) => ({ n: 2 * n })),
      )
    },
    { topic: 'taken' },
  )
  const See = class See extends handling((message) => given.add(numberOf(message)), {
    topic: 'given',
    group: 'given',
    commit: 'interval',
  }) {}
  await messaging.registry.sendMany(
    Taken,
    range(1, 50).map((n) => ({ n })),
    { partition: 0 },
  )
  // A topic that is not there yet is found late.
  await messaging.registry.send(Given, { n: 0 }, { partition: 0 })
  await using _ = await messaging.consumers.run([Take, See])
  expect((await given.count(51)).toSorted((a, b) => a - b)).toEqual(range(0, 50).map((n) => 2 * n))
  // That offsets are kept needs a real Kafka: test/integration/consume-in-transactions.test.ts.
  expect(transactions.length).toBeLessThan(50)
})

test('librdkafka: what fails comes back by way of the retry topics, while others go ahead', async () => {
  await using messaging = setUp({
    group: 'retrying',
    retryAttempts: 1,
    retryLaterMs: [50, 50],
    retryOrder: 'none',
  })
  class Retried extends Sent {
    override readonly topic = 'retried' as never
  }
  // The mock cluster makes topics when something is sent to them.
  const topics = ['retried', 'retried.retrying.retry-1', 'retried.retrying.retry-2']
  for (const [index, topic] of topics.entries()) {
    class Made extends Sent {
      static override manifestName = `Made${index}`
      override readonly topic = topic as never
    }
    await messaging.registry.send(Made, { n: -1 })
  }
  const seen = new Collected<string>()
  const wentAhead = Promise.withResolvers<void>()
  const Items = handling(
    async (message) => {
      const n = numberOf(message)
      if (n < 0) return
      if (n === 2) wentAhead.resolve()
      // What comes back may overtake in its own topic: this is about whether the other one waits for it.
      if (message.attempt > 1) await wentAhead.promise
      seen.add(`${n}#${message.attempt} of ${message.origin.topic}/${message.origin.partition}`)
      if (n === 1 && message.attempt < 3) throw new Error('no')
    },
    { topic: 'retried' },
  )
  // Both are there before it begins, so that the first cannot come back before the second is sent.
  await messaging.registry.send(Retried, { n: 1 }, { partition: 2 })
  await messaging.registry.send(Retried, { n: 2 }, { partition: 2 })
  await using _ = await messaging.consumers.run([Items])
  expect(await seen.count(4)).toEqual(['1#1', '2#1', '1#2', '1#3'].map((text) => `${text} of retried/2`))
})

test('librdkafka: keys keep their order while attempts are put off and members come and go', async () => {
  const consumer = { group: 'ordered', retryAttempts: 1, retryLaterMs: [5, 5, 5], commitIntervalMs: 20 }
  await using first = setUp(consumer)
  await using second = setUp(consumer)
  class Ordered extends Sent {
    override readonly topic = 'ordered' as never
  }
  await expectOrderedKeys([first, second], Ordered, 40)
})

test('librdkafka: what many partitions hold together stays within its bound, however slow handlers are', async () => {
  const bound = 512 * 1_024
  await using messaging = setUp({ group: 'bounded', bufferTotalMaxBytes: bound, protocol: 'classic' })
  class Bounded extends ProducerManifest<{ n: number; pad: string }> {
    override readonly topic = 'bounded'
  }
  const pad = 'x'.repeat(1_000)
  for (const partition of range(0, 3)) {
    const payloads = range(1, 500).map((n) => ({ n, pad }))
    await messaging.registry.sendMany(Bounded, payloads, { partition })
  }
  const seen = new Collected<number>()
  let [running, most]: [RunningConsumers | undefined, number] = [undefined, 0]
  const Items = handling(
    async (message) => {
      const partitions = running?.health().consumers[0]!.partitions ?? []
      most = Math.max(
        most,
        partitions.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
      )
      await new Promise((resolve) => setImmediate(resolve))
      seen.add(message.partition)
    },
    { topic: 'bounded' },
  )
  running = await messaging.consumers.run([Items])
  await seen.count(2_000)
  await running.stop()
  expect(most).toBeGreaterThan(bound / 8)
  expect(most).toBeLessThan(bound + 3_000)
  expect(range(0, 3).map((partition) => seen.values.filter((each) => each === partition).length)).toEqual([
    500, 500, 500, 500,
  ])
})
