import { expect, test } from 'vitest'
import type { ConsumersHealth } from '../../../src/consumer/consumers-health.ts'
import { eventually } from '../../eventually.ts'
import { Collected, handling, numberOf, range, setUp } from '../consume.ts'

async function ask(address: string, path: string): Promise<[number, ConsumersHealth]> {
  const response = await fetch(`${address}${path}`)
  return [response.status, (await response.json()) as ConsumersHealth]
}

test('before the first start consumers are alive and not ready; then both; stopped they are neither', async () => {
  await using setup = setUp()
  await setup.send([1])
  const { consumers } = setup.messaging
  const { address } = await consumers.serveHealth({ port: 0 })
  expect(await ask(address, '/health/live')).toMatchObject([200, { state: 'idle', isAlive: true }])
  expect(await ask(address, '/health/ready')).toMatchObject([503, { state: 'idle', isReady: false }])
  const running = await consumers.run([handling(() => undefined)])
  await eventually(async () => expect(await ask(address, '/health/ready')).toMatchObject([200, { isReady: true }]))
  expect(await ask(address, '/health/live')).toEqual([200, { state: 'running', isAlive: true, problems: [] }])
  expect(await ask(address, '/health')).toMatchObject([
    200,
    {
      state: 'running',
      consumers: [{ manifest: 'Items', group: 'g', partitions: [{ topic: 'items', partition: 0 }] }],
    },
  ])
  await running.stop()
  expect(await ask(address, '/health/live')).toMatchObject([503, { state: 'stopped', isAlive: false }])
  expect(await ask(address, '/health')).toMatchObject([503, { state: 'stopped', consumers: [] }])
})

test('while they stop they are alive and not ready, and the endpoint closes after them', async () => {
  await using setup = setUp()
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { address } = await setup.messaging.consumers.serveHealth({ port: 0 })
  await setup.send([1])
  await setup.messaging.consumers.run([
    handling(async () => {
      begun.resolve()
      await gate.promise
    }),
  ])
  await begun.promise
  const closed = setup.messaging.close()
  expect(await ask(address, '/health/live')).toMatchObject([200, { state: 'stopping' }])
  expect(await ask(address, '/health/ready')).toMatchObject([503, { state: 'stopping' }])
  gate.resolve()
  await closed
  await expect(fetch(address)).rejects.toThrow('fetch failed')
})

test('a run that a message has stopped is told until it is started again', async () => {
  await using setup = setUp({ consumer: { onFailure: 'stop', retryAttempts: 1 } })
  const { consumers } = setup.messaging
  const { address } = await consumers.serveHealth({ port: 0 })
  await setup.send([1])
  let isBroken = true
  const Items = handling(() => {
    if (isBroken) throw new Error('a secret')
  })
  const other = await consumers.run([class Other extends handling(() => undefined, { group: 'h' }) {}])
  const failing = await consumers.run([Items])
  await expect(failing.finished).rejects.toMatchObject({ code: 'HANDLER_FAILED' })
  // It is a problem, too, that a group has not said yet which partitions are ours.
  const told = (status: number, problems: readonly string[]): Promise<void> =>
    eventually(async () => expect(await ask(address, '/health/live')).toMatchObject([status, { problems }]))
  await told(503, ['Items was stopped by HANDLER_FAILED.'])
  isBroken = false
  await consumers.run([Items])
  await told(200, [])
  await other.stop()
})

test('a handler that gets nothing done is hung once hungMs are over, and not while something holds it back', async () => {
  await using setup = setUp({ consumer: { hungMs: 20, retryDelayMs: 3_600_000, retryMaxDelayMs: 3_600_000 } })
  const { consumers } = setup.messaging
  const gate = Promise.withResolvers<void>()
  const begun = new Collected<number>()
  const failed = setup.heard('attempt.failed')
  const Items = handling(async (message) => {
    begun.add(numberOf(message))
    if (numberOf(message) === 1) await gate.promise
    if (numberOf(message) === 2) throw new Error('later')
  })
  await setup.send(range(1, 2))
  const running = await consumers.run([Items])
  await begun.count(1)
  await eventually(() => expect(consumers.health().isAlive).toBe(false))
  expect(consumers.health().problems[0]).toMatch(
    /^The handler of Items has got nothing done in partition 0 of items for \d+ s\.$/,
  )
  gate.resolve()
  await failed.count(1)
  const waitsSince = performance.now()
  await eventually(() => expect(performance.now() - waitsSince).toBeGreaterThan(30))
  expect(consumers.health()).toMatchObject({
    isAlive: true,
    consumers: [{ partitions: [{ isRunning: true, handlingMs: undefined, pauses: [{ owner: 'retry' }] }] }],
  })
  await running.stop({ timeoutMs: 0 })
})

test('metrics are there where they are on', async () => {
  for (const enabled of [false, true]) {
    await using setup = setUp({ metrics: { enabled } })
    const { consumers } = setup.messaging
    const { address } = await consumers.serveHealth({ port: 0 })
    await consumers.run([handling(() => undefined)])
    const response = await fetch(`${address}/metrics`)
    const text = await response.text()
    expect(response.status).toBe(enabled ? 200 : 404)
    expect(text).toContain(enabled ? '# TYPE postrider_consumed_messages_total counter\n' : 'metrics.enabled')
  }
})

test('nothing that is told is a key, a payload, or the text of what was thrown', async () => {
  await using setup = setUp({ consumer: { retryAttempts: 1 } })
  const rejected = setup.heard('message.rejected')
  const { consumers } = setup.messaging
  const { address } = await consumers.serveHealth({ port: 0 })
  await setup.send([771_177])
  await consumers.run([
    handling(() => {
      throw new Error('canary')
    }),
  ])
  await rejected.count(1)
  const text = await (await fetch(`${address}/health`)).text()
  expect(text).toContain('HANDLER_FAILED')
  expect(text).not.toMatch(/771177|canary/)
})
