import { expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { Collected, handling, numberOf, range, setUp } from '../consume.ts'

test('every pause is told with its age, of a partition and of a whole consumer, and waits of single messages', async () => {
  await using setup = setUp({ consumer: { lagIntervalMs: 5, retryDelayMs: 3_600_000, retryMaxDelayMs: 3_600_000 } })
  const measured = setup.heard('pause.measured')
  const failed = setup.heard('attempt.failed')
  const Items = handling((_, context) => {
    context.pause(3_600_000, 'patience')
    throw new Error('later')
  })
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  await failed.count(1)
  running.pause(Items, 'look at it')
  const owners = (): string[] => [...new Set(measured.values.map(({ owner }) => owner))].toSorted()
  await eventually(() => expect(owners()).toEqual(['handler', 'operator', 'retry']))
  await eventually(() => expect(Math.max(...measured.values.map(({ ageMs }) => ageMs))).toBeGreaterThan(10))
  const last = (of: string) => measured.values.findLast(({ owner }) => owner === of)
  expect(last('operator')).toMatchObject({ manifest: 'Items', topic: 'items', partition: -1, reason: 'look at it' })
  expect(last('handler')).toMatchObject({ topic: 'items', partition: 0, reason: 'patience' })
  expect(last('retry')).toMatchObject({ partition: 0, reason: 'attempt 1 of offset 0: HANDLER_FAILED' })
  await running.stop({ timeoutMs: 0 })
})

test('metrics have the age of each pause by its owner, also of one that never ends', async () => {
  await using setup = setUp({ consumer: { lagIntervalMs: 5 }, metrics: { enabled: true } })
  const Items = handling(() => undefined)
  const running = await setup.messaging.consumers.run([Items])
  running.pause(Items, 'for ever')
  const line = /partitions_pause_age_milliseconds_count\{manifest="Items",topic="items",owner="operator"\} [1-9]/
  await eventually(() => expect(setup.messaging.metrics.prometheus()).toMatch(line))
})

test('pauses of a partition end with its assignment, and are told to; those of the consumer stay', async () => {
  await using setup = setUp({ consumer: { drainTimeoutMs: 1_000 } }, { partitions: 2 })
  const [paused, resumed, revoked] = [
    setup.heard('partition.paused'),
    setup.heard('partition.resumed'),
    setup.heard('partition.revoked'),
  ]
  const seen = new Collected<number>()
  const Items = handling((message) => seen.add(numberOf(message)))
  await setup.send([0], 0)
  await setup.send([1], 1)
  const { consumers } = setup.messaging
  const running = await consumers.run([Items])
  await seen.count(2)
  for (const partition of range(0, 1)) running.pause(Items, 'look', { partition: { topic: 'items', partition } })
  running.pause(Items, 'all of it')
  await paused.count(3)
  const other = await consumers.run([Items])
  await revoked.count(1)
  const moved = revoked.values[0]!.partition
  expect(resumed.values).toMatchObject([{ owner: 'operator', topic: 'items', partition: moved }])
  await other.stop()
  const own = () => running.health().consumers[0]!
  await eventually(() => expect(own().partitions).toHaveLength(2))
  expect(own().pauses).toMatchObject([{ reason: 'all of it' }])
  expect(own().partitions.find(({ partition }) => partition === moved)!.pauses).toEqual([])
  await running.stop()
  expect(resumed.values.map(({ partition }) => partition).toSorted((a, b) => a - b)).toEqual([-1, 0, 1])
})

test('the oldest message that is not done counts while it is handled, too', async () => {
  await using setup = setUp({ consumer: { lagIntervalMs: 5 } })
  const measured = setup.heard('partition.measured')
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const Items = handling(async () => {
    begun.resolve()
    await gate.promise
  })
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  await begun.promise
  await eventually(() => expect(measured.values.at(-1)?.oldestAgeMs).toBeGreaterThan(0))
  gate.resolve()
  await eventually(() => expect(measured.values.at(-1)).toMatchObject({ oldestAgeMs: 0, lag: 0 }))
  await running.stop()
})
