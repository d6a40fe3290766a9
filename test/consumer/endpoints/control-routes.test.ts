import { describe, expect, test } from 'vitest'
import { createControlRoutes } from '../../../src/consumer/endpoints/control-routes.ts'
import type { ConsumersHealth } from '../../../src/consumer/consumers-health.ts'
import { catchRejection } from '../../catch-error.ts'
import { Collected, handling, numberOf, range, setUp, type Setup } from '../consume.ts'

const partition0 = { topic: 'items', partition: 0 }

interface Controlled {
  readonly seen: Collected<number>
  /** What the action answers: the health of all. */
  readonly act: (name: string, body: unknown) => Promise<ConsumersHealth>
}

/** Items that were handled, and the actions for their consumer. */
async function control(setup: Setup, sent: number): Promise<Controlled> {
  const { messaging } = setup
  const seen = new Collected<number>()
  const run = await messaging.consumers.run([handling((message) => seen.add(numberOf(message)))])
  await setup.send(range(1, sent))
  await seen.count(sent)
  const routes = createControlRoutes({ running: [run], health: () => messaging.consumers.health() })
  const act = async (name: string, body: unknown): Promise<ConsumersHealth> => {
    const { status, body: answer } = await routes[`/consumers/${name}`]!.POST!(body)
    expect(status).toBe(200)
    return answer as ConsumersHealth
  }
  return { seen, act }
}

test('a consumer is paused with owner, reason, age and end, and resumed', async () => {
  await using setup = setUp()
  const { seen, act } = await control(setup, 1)
  const before = Date.now()
  const paused = await act('pause', { consumer: 'Items', reason: 'the API is down', durationMs: 3_600_000 })
  const [pause] = paused.consumers[0]!.pauses
  expect(pause).toMatchObject({ owner: 'operator', reason: 'the API is down' })
  expect(pause!.ageMs).toBeGreaterThanOrEqual(0)
  expect(pause!.until).toBeGreaterThanOrEqual(before + 3_600_000)
  await setup.send([2])
  expect(seen.values).toEqual([1])
  const resumed = await act('resume', { consumer: 'Items' })
  expect(resumed.consumers[0]!.pauses).toEqual([])
  expect(await seen.count(2)).toEqual([1, 2])
})

test('one partition is paused and resumed, others go on', async () => {
  await using setup = setUp({}, { partitions: 2 })
  const { seen, act } = await control(setup, 1)
  const paused = await act('pause', { consumer: 'Items', reason: 'look at it', ...partition0 })
  expect(paused.consumers[0]).toMatchObject({
    pauses: [],
    partitions: [{ ...partition0, pauses: [{ owner: 'operator', until: undefined }] }, { pauses: [] }],
  })
  await setup.send([2], 0)
  await setup.send([3], 1)
  expect(await seen.count(2)).toEqual([1, 3])
  await act('resume', { consumer: 'Items', ...partition0 })
  expect(await seen.count(3)).toEqual([1, 3, 2])
})

test('a seek goes on from an offset, an end, or a time', async () => {
  await using setup = setUp()
  const { seen, act } = await control(setup, 3)
  await act('seek', { consumer: 'Items', ...partition0, offset: 2 })
  expect((await seen.count(4)).slice(3)).toEqual([3])
  await act('seek', { consumer: 'Items', ...partition0, offset: { timestamp: 0 } })
  expect((await seen.count(7)).slice(4)).toEqual([1, 2, 3])
  await act('seek', { consumer: 'Items', ...partition0, offset: 'latest' })
  await setup.send([4])
  expect((await seen.count(8)).slice(7)).toEqual([4])
})

test('of two runs with one consumer, the one that has the partition is meant', async () => {
  await using setup = setUp()
  await setup.send([1])
  const { consumers } = setup.messaging
  const Items = handling(() => undefined)
  const assigned = setup.heard('partition.assigned')
  const runs = [await consumers.run([Items]), await consumers.run([Items])]
  await assigned.count(1)
  const routes = createControlRoutes({ running: runs, health: () => consumers.health() })
  await routes['/consumers/pause']!.POST!({ consumer: 'Items', reason: 'both are asked', ...partition0 })
  const pauses = consumers.health().consumers.flatMap(({ partitions }) => partitions.flatMap((each) => each.pauses))
  expect(pauses).toMatchObject([{ reason: 'both are asked' }])
})

describe('refused is', () => {
  const valid = { consumer: 'Items', reason: 'a reason' }
  test.each([
    ['pause', null, 'the body is no object'],
    ['pause', [], 'the body is no object'],
    ['pause', { ...valid, colour: 'red' }, 'there is no field "colour"'],
    ['pause', { consumer: 'Items' }, 'reason must be a text'],
    ['pause', { ...valid, reason: 'a\nb' }, 'reason must be a text in one line'],
    ['pause', { ...valid, reason: 'a'.repeat(201) }, 'at most 200 characters'],
    ['pause', { reason: 'a' }, 'consumer must be the name'],
    ['pause', { ...valid, topic: 'items' }, 'topic and partition must be a name and a number, both of them'],
    ['pause', { ...valid, topic: 'items', partition: '0' }, 'both of them'],
    ['pause', { ...valid, durationMs: 0 }, 'durationMs must be a number above 0'],
    ['resume', { consumer: 'Items', durationMs: 1 }, 'there is no field "durationMs"'],
    ['seek', { consumer: 'Items', offset: 1 }, 'topic and partition are missing'],
    ['seek', { consumer: 'Items', ...partition0 }, 'the offset must be a number from 0'],
    ['seek', { consumer: 'Items', ...partition0, offset: -1 }, 'the offset must be a number from 0'],
    ['seek', { consumer: 'Items', ...partition0, offset: null }, 'the offset must be a number from 0'],
    ['seek', { consumer: 'Items', ...partition0, offset: { timestamp: '1' } }, 'the offset must be'],
    ['seek', { consumer: 'Items', ...partition0, offset: 'first' }, 'the offset must be'],
  ])('%s %j', async (name, body, reason) => {
    await using setup = setUp()
    const { act } = await control(setup, 1)
    const error = await catchRejection(act(name, body))
    expect(error).toMatchObject({ code: 'INPUT_INVALID' })
    expect(error.message).toContain(reason)
  })

  test('a consumer that does not run, and a partition that is elsewhere', async () => {
    await using setup = setUp()
    const { act } = await control(setup, 1)
    expect(await catchRejection(act('resume', { consumer: 'Bills' }))).toMatchObject({
      code: 'CONSUMER_NOT_RUNNING',
      message: 'No consumer Bills runs here; there runs Items.',
    })
    for (const topic of ['items', 'bills']) {
      const body = { ...valid, topic, partition: 9 }
      expect(await catchRejection(act('pause', body))).toMatchObject({ code: 'PARTITION_NOT_FOUND' })
    }
  })
})
