import { describe, expect, test, vi } from 'vitest'
import { MessagingError } from '../../src/index.ts'
import { eventually } from '../eventually.ts'
import { catchError, catchRejection } from '../catch-error.ts'
import { Collected, handling, numberOf, range, setUp } from './consume.ts'

const partition0 = { topic: 'items', partition: 0 }

describe('stop', () => {
  test('waits for the handler that runs, begins nothing new, and commits what was done', async () => {
    await using setup = setUp({ consumer: { commitIntervalMs: 100_000 } })
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const seen = new Collected<number>()
    const Items = handling(async (message) => {
      begun.resolve()
      await gate.promise
      seen.add(numberOf(message))
    })
    await setup.send(range(1, 3))
    const running = await setup.messaging.consumers.run([Items])
    await begun.promise
    const stopped = running.stop()
    expect(running.health().state).toBe('stopping')
    gate.resolve()
    await stopped
    await running.finished
    expect([seen.values, setup.committed()]).toEqual([[1], { 'items/0': 1 }])
  })

  test('aborts what takes too long, or at once when asked again in a hurry; that is not committed', async () => {
    await using setup = setUp()
    const stopped = setup.heard('consumer.stopped')
    const begun = Promise.withResolvers<void>()
    const Items = handling(async (_, { signal }) => {
      begun.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    await setup.send([1])
    const running = await setup.messaging.consumers.run([Items])
    await begun.promise
    const patient = running.stop({ timeoutMs: 1_000_000 })
    await Promise.all([patient, running.stop({ timeoutMs: 0 })])
    expect(stopped.values).toMatchObject([{ manifest: 'Items', group: 'g', unfinished: 1 }])
    expect(setup.committed()).toEqual({})
  })

  test('comes before producers close, which handlers may still need', async () => {
    await using setup = setUp()
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sent = new Collected<unknown>()
    const Items = handling(async (message) => {
      if (numberOf(message) !== 1) return
      begun.resolve()
      await gate.promise
      sent.add(await setup.send([2]).then(() => 'sent'))
    })
    await setup.send([1])
    await setup.messaging.consumers.run([Items])
    await begun.promise
    const closed = setup.messaging.registry.close()
    gate.resolve()
    await closed
    expect(sent.values).toEqual(['sent'])
    expect(await catchRejection(setup.messaging.consumers.run([Items]))).toMatchObject({ code: 'CONSUMER_STOPPED' })
  })
})

describe('a pause', () => {
  test('by the handler begins after its message, and is over in time', async () => {
    await using setup = setUp()
    const paused = setup.heard('partition.paused')
    const resumed = setup.heard('partition.resumed')
    const order = new Collected<string>()
    const Items = handling((message, context) => {
      order.add(`${numberOf(message)}, resumed ${resumed.values.length}`)
      if (numberOf(message) === 1) context.pause(10, 'patience')
    })
    await setup.send([1, 2])
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await order.count(2)).toEqual(['1, resumed 0', '2, resumed 1'])
    expect(paused.values).toMatchObject([{ owner: 'handler', reason: 'patience', topic: 'items', partition: 0 }])
  })

  test('by an operator holds back one partition, or all, until it is taken away', async () => {
    await using setup = setUp({}, { partitions: 2 })
    const seen = new Collected<number>()
    const Items = handling((message) => seen.add(numberOf(message)))
    await setup.send([0], 0)
    await setup.send([1], 1)
    const running = await setup.messaging.consumers.run([Items])
    await seen.count(2)
    running.pause(Items, 'look at it', { partition: partition0 })
    await setup.send([10], 0)
    await setup.send([11], 1)
    await seen.count(3)
    expect(seen.values.at(-1)).toBe(11)
    expect(running.health().consumers[0]!.partitions[0]!.pauses).toMatchObject([{ owner: 'operator' }])
    running.resume(Items, partition0)
    await seen.count(4)
    running.pause(Items, 'all of it')
    expect(running.health().consumers[0]!.pauses).toMatchObject([{ owner: 'operator', reason: 'all of it' }])
    await setup.send([20], 0)
    running.resume(Items)
    await seen.count(5)
    const elsewhere = { topic: 'items', partition: 7 }
    expect(catchError(() => running.pause(Items, 'x', { partition: elsewhere })).code).toBe('PARTITION_NOT_FOUND')
    expect(catchError(() => running.pause(class Other extends Items {}, 'x'))).toMatchObject({
      code: 'CONSUMER_NOT_RUNNING',
      message: 'No consumer Other runs here; there runs Items.',
    })
  })
})

test('seek goes on from another position once what runs has ended', async () => {
  await using setup = setUp({ consumer: { maxMessages: 2 } })
  const seen = new Collected<number>()
  const Items = handling((message) => seen.add(numberOf(message)))
  await setup.send(range(1, 4))
  const running = await setup.messaging.consumers.run([Items])
  await seen.count(4)
  await running.seek(Items, { ...partition0, offset: 2 })
  expect((await seen.count(6)).slice(4)).toEqual([3, 4])
  await running.seek(Items, { ...partition0, offset: 'earliest' })
  await seen.count(10)
  await running.stop()
  expect(setup.committed()).toEqual({ 'items/0': 4 })
})

test('seek in the middle of a batch leaves the rest of it, also where an attempt waits or the partition is paused', async () => {
  await using setup = setUp({ consumer: { retryDelayMs: 3_600_000, retryMaxDelayMs: 3_600_000 } })
  const failed = setup.heard('attempt.failed')
  const seen = new Collected<number>()
  const Items = handling((message) => {
    seen.add(numberOf(message))
    if (numberOf(message) === 2 && seen.values.length === 2) throw new Error('not yet')
  })
  await setup.send(range(1, 4))
  const running = await setup.messaging.consumers.run([Items])
  await failed.count(1)
  await running.seek(Items, { ...partition0, offset: 2 })
  expect(await seen.count(4)).toEqual([1, 2, 3, 4])
  const gate = Promise.withResolvers<void>()
  const Gated = handling(async (message) => {
    seen.add(numberOf(message))
    await gate.promise
  })
  await running.stop()
  await setup.send(range(5, 8))
  const again = await setup.messaging.consumers.run([Gated])
  await seen.count(5)
  again.pause(Gated, 'look at it', { partition: partition0 })
  const sought = again.seek(Gated, { ...partition0, offset: 6 })
  gate.resolve()
  await sought
  expect(seen.values.slice(4)).toEqual([5])
  again.resume(Gated, partition0)
  expect((await seen.count(7)).slice(4)).toEqual([5, 7, 8])
})

test('a seek that fails leaves everything as it was', async () => {
  await using setup = setUp({ consumer: { commitIntervalMs: 100_000 } })
  const createConsumer = setup.driver.createConsumer.bind(setup.driver)
  vi.spyOn(setup.driver, 'createConsumer').mockImplementation(async (options) => {
    const consumer = await createConsumer(options)
    const seek = (): Promise<never> =>
      Promise.reject(new MessagingError('OFFSET_UNAVAILABLE', { reason: 'the broker does not know it' }))
    return Object.assign(consumer, { seek })
  })
  const seen = new Collected<number>()
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const Items = handling(async (message) => {
    seen.add(numberOf(message))
    begun.resolve()
    await gate.promise
  })
  await setup.send(range(1, 4))
  const running = await setup.messaging.consumers.run([Items])
  await begun.promise
  const sought = catchRejection(running.seek(Items, { ...partition0, offset: 2 }))
  gate.resolve()
  expect(await sought).toMatchObject({ code: 'OFFSET_UNAVAILABLE' })
  expect(await seen.count(4)).toEqual([1, 2, 3, 4])
  await running.stop()
  expect(setup.committed()).toEqual({ 'items/0': 4 })
})

test('seek lets a partition be read on whose buffer was full', async () => {
  await using setup = setUp({ consumer: { bufferMaxBytes: 50, maxMessages: 1 } })
  const seen = new Collected<number>()
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const Items = handling(async (message) => {
    begun.resolve()
    await gate.promise
    seen.add(numberOf(message))
  })
  await setup.send(range(1, 100))
  const running = await setup.messaging.consumers.run([Items])
  await begun.promise
  // Longer than a full buffer is waited for.
  await eventually(() => expect(running.health().consumers[0]!.partitions[0]!.idleMs).toBeGreaterThan(100))
  const sought = running.seek(Items, { ...partition0, offset: 98 })
  gate.resolve()
  await sought
  expect(await seen.count(3)).toEqual([1, 99, 100])
})

test('health says what runs, waits and is behind', async () => {
  await using setup = setUp({ consumer: { lagIntervalMs: 5 } })
  const measured = setup.heard('partition.measured')
  const gate = Promise.withResolvers<void>()
  const seen = new Collected<number>()
  const Items = handling(async (message) => {
    seen.add(numberOf(message))
    await gate.promise
  })
  await setup.send(range(1, 3))
  await using running = await setup.messaging.consumers.run([Items])
  await seen.count(1)
  await measured.count(1)
  await setup.send(range(4, 5))
  await measured.count(measured.values.length + 2)
  expect(running.health()).toMatchObject({
    state: 'running',
    isAlive: true,
    isReady: true,
    consumers: [
      {
        manifest: 'Items',
        group: 'g',
        handled: 0,
        lastError: undefined,
        partitions: [{ ...partition0, position: undefined, lag: 5, isRunning: true, pauses: [] }],
      },
    ],
  })
  gate.resolve()
})

test('a handler that keeps the event loop is reported by name', async () => {
  await using setup = setUp({ consumer: { blockedMs: 5 } })
  const blocked = setup.heard('handler.blocked')
  const Items = handling(() => {
    const until = performance.now() + 10
    while (performance.now() < until);
  })
  await setup.send([1])
  await using _ = await setup.messaging.consumers.run([Items])
  const [event] = await blocked.count(1)
  expect(event).toMatchObject({ manifest: 'Items', topic: 'items', error: { code: 'HANDLER_BLOCKED' } })
  expect(event!.error.message).toMatch(/^Items\.handle\(\) kept the event loop for \d+ ms\.$/)
})

test('its start says what becomes of messages that fail', async () => {
  await using setup = setUp()
  const started = setup.heard('consumer.started')
  await using _ = await setup.messaging.consumers.run([handling(() => undefined)])
  expect(started.values).toMatchObject([{ manifest: 'Items', group: 'g', driver: 'memory', topics: 'items' }])
  expect(started.values[0]!.policy).toMatch(
    /^6 attempts, .*, then to \{topic\}\.dead-letter; offsets committed: interval$/,
  )
})
