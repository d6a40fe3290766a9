import { describe, expect, test } from 'vitest'
import type {
  ConsumingDriverModule,
  DriverConsumer,
  DriverConsumerOptions,
} from '../../../src/driver/driver-consumer.ts'
import { createDriverError } from '../../../src/driver/driver-error.ts'
import { createMessaging } from '../../../src/index.ts'
import { catchRejection } from '../../catch-error.ts'
import { eventually } from '../../eventually.ts'
import { Collected, handling, numberOf, range, setUp } from '../consume.ts'

/** Another process of the same application. */
const another = (setup: ReturnType<typeof setUp>, consumer = {}) =>
  createMessaging(
    {
      driver: setup.driver,
      stopTimeoutMs: 2_000,
      consumer: { group: 'g', commitIntervalMs: 5, retryDelayMs: 1, ...consumer },
    },
    {},
  )

describe('a partition that is given to another member', () => {
  test('is given up when what runs has ended and is committed: nothing comes twice', async () => {
    await using setup = setUp({ consumer: { maxMessages: 1, commitIntervalMs: 100_000 } }, { partitions: 2 })
    const seen = new Collected<string>()
    const [begun, ending, gate] = [0, 0, 0].map(() => Promise.withResolvers<void>())
    const revoked = setup.heard('partition.revoked')
    const Slow = handling(async (message, context) => {
      context.ending.addEventListener('abort', () => ending!.resolve())
      begun!.resolve()
      await gate!.promise
      seen.add(`first ${numberOf(message)}`)
    })
    await setup.send([1, 2], 0)
    await setup.send([11, 12], 1)
    await using _ = await setup.messaging.consumers.run([Slow])
    await begun!.promise
    await using other = another(setup)
    await other.consumers.run([handling((message) => seen.add(`second ${numberOf(message)}`))])
    await ending!.promise
    gate!.resolve()
    expect((await revoked.count(1))[0]).toMatchObject({ lost: false, unfinished: 0, group: 'g' })
    await seen.count(4)
    expect(seen.values.map((text) => Number(text.split(' ')[1])).toSorted((x, y) => x - y)).toEqual([1, 2, 11, 12])
  })

  test('is taken from a handler that takes too long: its signal aborts, and what it does is not committed', async () => {
    // One of the handlers runs to the end of the test.
    await using setup = setUp({ stopTimeoutMs: 20, consumer: { drainTimeoutMs: 20 } }, { partitions: 2 })
    const aborted = new Collected<unknown>()
    const seen = new Collected<number>()
    const begun = new Collected<number>()
    const Slow = handling(async (message, { signal, ending }) => {
      begun.add(numberOf(message))
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      aborted.add([ending.aborted, signal.aborted])
    })
    await setup.send([1], 0)
    await setup.send([2], 1)
    await using _ = await setup.messaging.consumers.run([Slow])
    await begun.count(2)
    await using other = another(setup)
    await other.consumers.run([handling((message) => seen.add(numberOf(message)))])
    await aborted.count(1)
    // Who aborts in time still was not done.
    await seen.count(1)
    expect(aborted.values).toEqual([[true, true]])
  })
})

test('a member that lost its session commits nothing of what ran, and what it ran comes again', async () => {
  await using setup = setUp()
  const seen = new Collected<number>()
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const revoked = setup.heard('partition.revoked')
  const Items = handling(async (message, { signal }) => {
    seen.add(numberOf(message))
    begun.resolve()
    if (seen.values.length === 1) {
      await gate.promise
      expect(signal.aborted).toBe(true)
    }
  })
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  await begun.promise
  setup.driver.endSessions('g')
  expect(await revoked.count(1)).toMatchObject([{ lost: true, unfinished: 1 }])
  gate.resolve()
  expect(await seen.count(2)).toEqual([1, 1])
  await running.stop()
  expect(setup.committed()).toEqual({ 'items/0': 1 })
})

test('a handler that takes longer than maxPollIntervalMs keeps its partition, and others go on', async () => {
  await using setup = setUp({ consumer: { maxPollIntervalMs: 1_000, bufferMaxBytes: 100 } }, { partitions: 2 })
  const seen = new Collected<number>()
  const gate = Promise.withResolvers<void>()
  const revoked = setup.heard('partition.revoked')
  const Items = handling(async (message) => {
    if (message.partition === 0) await gate.promise
    seen.add(numberOf(message))
  })
  await setup.send(range(1, 100), 0)
  const running = await setup.messaging.consumers.run([Items])
  // As many polls as fit into more than the interval.
  await eventually(() => expect(running.health().consumers[0]!.partitions[0]!.idleMs).toBeGreaterThan(1_200))
  await setup.send(range(101, 150), 1)
  expect(await seen.count(50)).toEqual(range(101, 150))
  expect(running.health().consumers[0]!.partitions[0]!.buffered).toBeLessThan(100)
  gate.resolve()
  expect((await seen.count(150)).slice(50)).toEqual(range(1, 100))
  expect(revoked.values).toEqual([])
})

test('a client with a fatal error is replaced, and messages go on', async () => {
  await using setup = setUp({ consumer: { instanceId: 'one' } })
  const seen = new Collected<number>()
  const replaced = setup.heard('consumer.replaced')
  const Items = handling((message) => seen.add(numberOf(message)))
  await using _ = await setup.messaging.consumers.run([Items])
  await setup.send([1])
  await seen.count(1)
  // One that has the same name takes its place.
  const other = another(setup, { instanceId: 'one' })
  const running = await other.consumers.run([handling(() => undefined)])
  await replaced.count(1)
  await running.stop()
  await other.close()
  await setup.send([2])
  await seen.count(2)
})

describe('a driver in trouble', () => {
  /** Consumers of the driver, changed by `change`. */
  function setUpWith(change: (consumer: DriverConsumer, count: number) => DriverConsumer, consumer = {}) {
    const setup = setUp()
    let count = 0
    const driver: ConsumingDriverModule = {
      ...setup.driver,
      createConsumer: async (options) => change(await setup.driver.createConsumer(options), ++count),
    }
    const messaging = createMessaging({ driver, consumer: { group: 'g', commitIntervalMs: 5, ...consumer } }, {})
    return { ...setup, messaging, [Symbol.asyncDispose]: () => messaging.close().then(() => setup.messaging.close()) }
  }
  const failure = createDriverError({ code: 'BROKER_UNAVAILABLE', reason: 'not now' })

  test('whose polls fail is polled again, and told', async () => {
    let polls = 0
    await using setup = setUpWith((consumer) => {
      const poll = consumer.poll.bind(consumer)
      return Object.assign(consumer, {
        poll: (...args: [number, number]) => (++polls <= 2 ? Promise.reject(failure) : poll(...args)),
      })
    })
    const errored = setup.heard('consumer.errored')
    const seen = new Collected<number>()
    await setup.send([1])
    await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    await seen.count(1)
    expect(errored.values).toMatchObject([{ error: { code: 'BROKER_UNAVAILABLE' } }, { manifest: 'Items' }])
  })

  test('that refuses the subscription fails the run, and leaves nothing open', async () => {
    await using setup = setUpWith((consumer) => Object.assign(consumer, { subscribe: () => Promise.reject(failure) }))
    const starting = setup.messaging.consumers.run([handling(() => undefined)])
    expect(await catchRejection(starting)).toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    expect(setup.driver.openClients).toBe(0)
    setup.messaging.configure({ consumer: { maxMessages: 1 } })
  })

  test('that gives nothing while the end of a partition moves on is replaced', async () => {
    let high = 5
    await using setup = setUpWith(
      (consumer, count) =>
        count > 1
          ? consumer
          : Object.assign(consumer, {
              watermarks: () => Promise.resolve({ low: 0, high: ++high }),
              poll: async () => {
                await consumer.committed([])
                await new Promise((resolve) => setTimeout(resolve, 1))
                if (!told) await options!.listener.assigned([{ topic: 'items', partition: 0 }])
                told = true
                return []
              },
            }),
      { lagIntervalMs: 5, stuckMs: 20 },
    )
    let told = false
    let options: DriverConsumerOptions | undefined
    const create = setup.driver.createConsumer.bind(setup.driver)
    Object.assign(setup.driver, { createConsumer: (given: DriverConsumerOptions) => create((options = given)) })
    const replaced = setup.heard('consumer.replaced')
    const seen = new Collected<number>()
    await setup.send([1])
    await setup.messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
    expect(await replaced.count(1)).toMatchObject([{ error: { code: 'CONSUMER_STUCK' } }])
    expect(await seen.count(1)).toEqual([1])
  })
})
