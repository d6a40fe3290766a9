import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Logger } from '../../src/instrumentation/log-instrument.ts'
import { messagingInMemory, order, OrderPlaced } from '../registry/manifests.ts'

const gone = { code: 'DELIVERY_TIMED_OUT', reason: 'too slow', driverCode: -192 } as const

interface Line {
  readonly level: number
  readonly event: string
  readonly msg: string
  readonly [field: string]: unknown
}

test('lifecycle is logged as info; messages are not, and not listened to either', async () => {
  const { channels } = await import('../../src/instrumentation/events.ts')
  const { messaging, lines } = watch({ messages: false })
  await messaging.registry.send(OrderPlaced, order)
  expect(channels['message.sent'].hasSubscribers).toBe(false)
  await messaging.close()
  expect(lines.map(({ event }) => event)).toEqual([
    'client.connected',
    'producer.built',
    'registry.closing',
    'client.closed',
    'registry.closed',
  ])
  expect(lines[1]).toMatchObject({
    level: 30,
    msg: 'The first send of a manifest built its producer.',
    manifest: 'OrderPlaced',
    topic: 'orders.placed',
    driver: 'memory',
  })
})

test('with messages: true each one is followed, as debug', async () => {
  const { messaging, lines } = watch({ messages: true })
  await messaging.registry.send(OrderPlaced, order)
  await messaging.registry.disable(OrderPlaced, () => messaging.registry.send(OrderPlaced, order))
  const debug = lines.filter(({ level }) => level === 20)
  expect(debug.map(({ event }) => event)).toEqual(['message.sent', 'message.acknowledged', 'message.suppressed'])
  expect(debug[1]).toMatchObject({ manifest: 'OrderPlaced', topic: 'orders.placed', offset: 0 })
})

test('a failure is logged by its severity, an awaited one as a warning at most', async () => {
  const { messaging, lines } = watch({ messages: false })
  messaging.driver.failWhen(() => gone)
  messaging.registry.dispatch(OrderPlaced, order)
  await messaging.registry.send(OrderPlaced, order).catch(() => undefined)
  const failed = lines.filter(({ event }) => event === 'message.failed')
  expect(failed.map(({ level, dispatched }) => [level, dispatched])).toEqual([
    [50, true],
    [40, false],
  ])
  expect(failed[0]).toMatchObject({
    msg: 'Not acknowledged within the delivery timeout: too slow.',
    error: { code: 'DELIVERY_TIMED_OUT', outcome: 'unknown', retriable: true, driverCode: -192 },
  })
})

test('no key, payload or cause gets into a line', async () => {
  const { messaging, text } = watch({ messages: true })
  class Leaky extends OrderPlaced {
    override key(): string {
      throw new Error('c4n4ry', { cause: 'c4n4ry' })
    }
  }
  await messaging.registry.send(OrderPlaced, { id: 'c4n4ry', total: 1 }, { headers: { secret: 'c4n4ry' } })
  messaging.registry.dispatch(Leaky, order)
  await messaging.close()
  expect(text()).toContain('MANIFEST_HOOK_FAILED')
  expect(text()).not.toContain('c4n4ry')
})

test('instances log to their own logger, until they are closed', async () => {
  const first = watch({ messages: false })
  const second = watch({ messages: false })
  await first.messaging.registry.send(OrderPlaced, order)
  await first.messaging.close()
  const before = first.lines.length
  await second.messaging.registry.send(OrderPlaced, order)
  expect(first.lines).toHaveLength(before)
  const instances = [first, second].map(({ lines }) => new Set(lines.map(({ instance }) => instance)))
  expect(instances.map(({ size }) => size)).toEqual([1, 1])
  expect(instances[0]).not.toEqual(instances[1])
})

test('a logger that throws does not reach a send', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const fail = (): never => {
    throw new Error('disk full')
  }
  const logger: Logger = { debug: fail, info: fail, warn: fail, error: fail }
  const messaging = messagingInMemory({ logging: { logger, messages: true } })
  await messaging.registry.send(OrderPlaced, order)
  await messaging.close()
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('disk full'), 'PostriderWarning')
})

test('of an outage so many failures of a code have a line, and the last one says how many had none', async () => {
  const { messaging, lines } = watch({ messages: false, maxPerMinute: 3 })
  messaging.driver.failWhen(() => gone)
  for (let count = 0; count < 1000; count++) messaging.registry.dispatch(OrderPlaced, order)
  messaging.registry.dispatch(OrderPlaced, undefined as never)
  await messaging.close()
  const failed = lines.filter(({ event }) => event === 'message.failed')
  const outage = failed.filter(({ error }) => (error as { code: string }).code === gone.code)
  expect(failed).toHaveLength(outage.length + 1)
  expect(outage.map(({ suppressed }) => suppressed)).toEqual([undefined, undefined, undefined, 996])
})

test('a logger that throws at the end of an outage is a warning', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const error = (): never => {
    throw new Error('disk full')
  }
  const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error }
  const messaging = messagingInMemory({ logging: { logger, maxPerMinute: 1 } })
  messaging.driver.failWhen(() => gone)
  for (let count = 0; count < 3; count++) messaging.registry.dispatch(OrderPlaced, order)
  await messaging.close()
  expect(warned.mock.calls).toEqual([['The logger failed: disk full', 'PostriderWarning']])
})

function watch({ messages, maxPerMinute = 60 }: { messages: boolean; maxPerMinute?: number }) {
  const lines: Line[] = []
  const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line) as Line) })
  const messaging = messagingInMemory({ logging: { logger, messages, maxPerMinute } })
  onTestFinished(() => messaging.close())
  return { messaging, lines, text: () => JSON.stringify(lines) }
}
