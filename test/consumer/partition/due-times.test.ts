import { describe, expect, test } from 'vitest'
import { createDueTime, createRetryDueTime } from '../../../src/consumer/partition/due-times.ts'
import type { ConsumedMessage } from '../../../src/driver/driver-consumer.ts'
import type { MessagingError } from '../../../src/errors/messaging-error.ts'
import { Collected, handling, handlingBatches, numberOf, numbersOf, range, Sent, setUp } from '../consume.ts'
import { holdClock } from '../hold-clock.ts'

const message = (timestamp: number, due?: string): ConsumedMessage => ({
  topic: 't',
  partition: 0,
  offset: 7,
  timestamp,
  key: null,
  value: null,
  headers: due === undefined ? undefined : [['due', Buffer.from(due)]],
})

describe('a message is due', () => {
  const failures: MessagingError[] = []
  const dueTime = createDueTime({ delayMs: 500, dueHeader: 'due' }, (error) => failures.push(error))!

  test('at once where nothing else is said', () => {
    expect(createDueTime({ delayMs: 0, dueHeader: undefined }, () => undefined)).toBeUndefined()
  })

  test('so long after its timestamp', () => {
    expect(dueTime(message(1_000))).toBe(1_500)
  })

  test('no later than that from now, though its timestamp is in the future', () => {
    const given = message(Date.now() * 1_000)
    const due = dueTime(given)
    expect(due).toBeLessThanOrEqual(Date.now() + 500)
    // As it was said first: a time that moves on with the clock would never come.
    expect(dueTime(given)).toBe(due)
  })

  test('at once where its timestamp is not known', () => {
    expect(dueTime(message(-1))).toBe(0)
  })

  test.each([
    ['1767225600000', 1_767_225_600_000],
    ['2026-01-01T00:00:00Z', 1_767_225_600_000],
    ['2026-01-01T01:00:00.5+01:00', 1_767_225_600_500],
  ])('when its header says %s', (text, time) => {
    expect(dueTime(message(1_000, text))).toBe(time)
  })

  test.each(['soon', '', '1e3', '2026-13-01T00:00:00Z', '-5'])(
    'as though there were no header where that says "%s", which is told once',
    (text) => {
      failures.length = 0
      const given = message(1_000, text)
      expect([dueTime(given), dueTime(given)]).toEqual([1_500, 1_500])
      expect(failures.map(({ code, message }) => [code, message])).toEqual([
        ['INPUT_INVALID', 'header due: offset 7 of partition 0 of t has no time in it; it counts as not set.'],
      ])
    },
  )
})

describe('a partition whose next message is not due', () => {
  const day = 86_400_000

  test('waits, and says why; others go on, what is buffered is bounded, and a stop is prompt', async () => {
    await using setup = setUp({ consumer: { delayMs: day, bufferMaxBytes: 100 } }, { partitions: 2 })
    const seen = new Collected<number>()
    const paused = setup.heard('partition.paused')
    await setup.messaging.registry.sendMany(
      Sent,
      range(1, 3_000).map((n) => ({ n })),
      { partition: 0 },
    )
    const old = { partition: 1, timestamp: Date.now() - day }
    await setup.messaging.registry.sendMany(
      Sent,
      range(3_001, 3_100).map((n) => ({ n })),
      old,
    )
    const running = await setup.messaging.consumers.run([handling((each) => seen.add(numberOf(each)))])
    expect(await seen.count(100)).toEqual(range(3_001, 3_100))
    expect(paused.values).toMatchObject([
      { topic: 'items', partition: 0, owner: 'delay', reason: 'offset 0 is not due yet' },
    ])
    const held = running.health().consumers[0]!.partitions.find(({ partition }) => partition === 0)
    expect(held!.pauses).toMatchObject([{ owner: 'delay' }])
    expect(held!.buffered).toBeLessThanOrEqual(2_000)
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/1': 100 })
  })

  test('goes on when it is, in order', async () => {
    const advance = holdClock()
    await using setup = setUp({ consumer: { dueHeader: 'due' } })
    const seen = new Collected<number>()
    const paused = setup.heard('partition.paused')
    const resumed = setup.heard('partition.resumed')
    const due = Date.now() + 60
    const times = [due, due + 30, due]
    for (const [index, time] of times.entries())
      await setup.messaging.registry.send(Sent, { n: index }, { headers: { due: String(time) } })
    await using _ = await setup.messaging.consumers.run([
      handling((each) => {
        expect(Date.now()).toBeGreaterThanOrEqual(times[numberOf(each)]!)
        seen.add(numberOf(each))
      }),
    ])
    await paused.count(1)
    advance(60)
    expect(await seen.count(1)).toEqual([0])
    advance(30)
    expect(await seen.count(3)).toEqual([0, 1, 2])
    expect(resumed.values[0]).toMatchObject({ owner: 'delay' })
  })

  test('gives what is due in a batch without what is not', async () => {
    await using setup = setUp({ consumer: { delayMs: day } })
    const seen = new Collected<readonly number[]>()
    const old = { partition: 0, timestamp: Date.now() - day }
    await setup.messaging.registry.sendMany(
      Sent,
      range(1, 3).map((n) => ({ n })),
      old,
    )
    await setup.send([4])
    await using _ = await setup.messaging.consumers.run([handlingBatches((batch) => seen.add(numbersOf(batch)))])
    expect(await seen.count(1)).toEqual([[1, 2, 3]])
  })

  test('does not go on because an operator resumes it, but does elsewhere after a seek', async () => {
    await using setup = setUp({ consumer: { delayMs: day } })
    const seen = new Collected<number>()
    const paused = setup.heard('partition.paused')
    await setup.messaging.registry.send(Sent, { n: 1 }, { timestamp: Date.now() - day })
    await setup.send([2])
    const Items = handling((each) => seen.add(numberOf(each)))
    await using running = await setup.messaging.consumers.run([Items])
    await paused.count(1)
    const partition = { topic: 'items', partition: 0 }
    running.resume(Items, partition)
    await paused.count(2)
    await running.seek(Items, { ...partition, offset: 0 })
    expect(await seen.count(2)).toEqual([1, 1])
  })
})

describe('a message in a retry topic is due', () => {
  const retried = (timestamp: number, due?: string): ConsumedMessage => ({
    ...message(timestamp),
    headers: due === undefined ? undefined : [['postrider-retry-due', Buffer.from(due)]],
  })

  test('when its header says, or so long after it was put there', () => {
    const dueTime = createRetryDueTime(500)
    expect([dueTime(retried(1_000, '1200')), dueTime(retried(1_000))]).toEqual([1_200, 1_500])
  })

  test('no later than its wait from when it was looked at first, whatever the clock of who put it there said', () => {
    const dueTime = createRetryDueTime(500)
    const given = retried(1_000, String(Date.now() + 86_400_000))
    const due = dueTime(given)
    expect(due).toBeLessThanOrEqual(Date.now() + 500)
    expect(dueTime(given)).toBe(due)
  })
})
