import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MessagingError, ProducerManifest, type MessagingOptions } from '../../src/index.ts'
import type { Breadcrumb, ErrorNotifier, ErrorReport } from '../../src/instrumentation/error-notifier.ts'
import { channels } from '../../src/instrumentation/events.ts'
import { messagingInMemory, order, OrderPaid, OrderPlaced } from '../registry/manifests.ts'

const gone = { code: 'NOT_ENOUGH_REPLICAS', reason: 'two of three are gone', driverCode: 19 } as const

test('a dispatched failure is reported with what is known about it', async () => {
  const { messaging, reports } = watch()
  messaging.driver.failWhen(() => gone)
  messaging.registry.dispatch(OrderPlaced, order, { partition: 0 })
  await messaging.close()
  expect(reports).toEqual([
    {
      code: 'NOT_ENOUGH_REPLICAS',
      message: 'Too few replicas are in sync to accept the message: two of three are gone.',
      severity: 'warning',
      source: 'dispatch',
      manifest: 'OrderPlaced',
      topic: 'orders.placed',
      partition: 0,
      outcome: 'rejected',
      retriable: true,
      driverCode: 19,
      driver: undefined,
      groupingHash: 'NOT_ENOUGH_REPLICAS:OrderPlaced',
      suppressed: 0,
      instance: expect.stringContaining(`${process.pid}-`) as string,
      stack: expect.stringContaining('MessagingError') as string,
    },
  ])
})

test.each([
  [false, []],
  [true, ['awaited']],
])('with awaited: %s, a failure that its caller gets is reported: %j', async (awaited, sources) => {
  const { messaging, reports } = watch({ awaited })
  messaging.driver.failWhen(() => gone)
  await expect(messaging.registry.send(OrderPlaced, order)).rejects.toThrow('replicas')
  await messaging.close()
  expect(reports.map(({ source }) => source)).toEqual(sources)
})

test('a failed build is reported by the dispatches that waited for it, and leaves a breadcrumb', async () => {
  const { messaging, reports, breadcrumbs } = watch()
  messaging.driver.failConnect({ code: 'BROKERS_UNREACHABLE', reason: 'down' })
  const awaited = messaging.registry.send(OrderPlaced, order)
  messaging.registry.dispatch(OrderPlaced, order)
  await expect(awaited).rejects.toThrow('down')
  await messaging.close()
  expect(reports).toMatchObject([{ code: 'BROKERS_UNREACHABLE', source: 'dispatch', partition: undefined }])
  expect(breadcrumbs).toContainEqual({
    event: 'producer.build_failed',
    metadata: { instance: reports[0]!.instance, manifest: 'OrderPlaced', code: 'BROKERS_UNREACHABLE' },
  })
})

test('background errors of the client and of the schema registry are reported', async () => {
  const { messaging, reports, breadcrumbs } = watch()
  await messaging.registry.send(OrderPlaced, order)
  const instance = String(breadcrumbs[0]?.metadata['instance'])
  const down = new MessagingError('BROKERS_UNREACHABLE', { reason: 'all down' })
  channels['client.errored'].publish({ instance, driver: 'memory', clientId: 'c', error: down })
  const unreachable = new MessagingError('SCHEMA_REGISTRY_UNREACHABLE', { reason: 'no answer' })
  channels['schema_registry.errored'].publish({ instance, error: unreachable })
  await messaging.close()
  expect(reports).toMatchObject([
    { source: 'background', driver: 'memory', groupingHash: 'BROKERS_UNREACHABLE:memory', severity: 'warning' },
    { source: 'background', driver: undefined, groupingHash: 'SCHEMA_REGISTRY_UNREACHABLE:', severity: 'warning' },
  ])
})

test('a bad manifest is reported, though nothing could be built yet', async () => {
  const { messaging, reports } = watch()
  class Nowhere extends ProducerManifest<string> {
    topic = 5 as unknown as string
  }
  messaging.registry.dispatch(Nowhere, 'text')
  await messaging.close()
  expect(reports).toMatchObject([{ code: 'MANIFEST_INVALID', manifest: 'Nowhere', source: 'dispatch' }])
})

test('lifecycle events are breadcrumbs', async () => {
  const { messaging, breadcrumbs } = watch()
  await messaging.registry.send(OrderPlaced, order)
  await messaging.close()
  expect(breadcrumbs.map(({ event }) => event)).toEqual([
    'client.connected',
    'producer.built',
    'registry.closing',
    'client.closed',
  ])
})

test('other instances of the process are not heard', async () => {
  const first = watch()
  const second = watch()
  await first.messaging.registry.send(OrderPlaced, order)
  second.messaging.driver.failWhen(() => gone)
  second.messaging.registry.dispatch(OrderPlaced, order)
  await Promise.all([first.messaging.close(), second.messaging.close()])
  expect([first.reports.length, second.reports.length]).toEqual([0, 1])
})

test('codes of the ignore list are never reported', async () => {
  const { messaging, reports } = watch({ ignore: ['NOT_ENOUGH_REPLICAS'] })
  messaging.driver.failWhen(() => gone)
  messaging.registry.dispatch(OrderPlaced, order)
  messaging.registry.dispatch(OrderPlaced, undefined as never)
  await messaging.close()
  expect(reports.map(({ code }) => code)).toEqual(['PAYLOAD_INVALID'])
})

test('an outage sends as many reports as the limit, by code, whatever the manifest', async () => {
  const { messaging, reports } = watch({ maxPerMinute: 3 })
  messaging.driver.failWhen(() => gone)
  for (let count = 0; count < 5_000; count++) messaging.registry.dispatch(count % 2 ? OrderPlaced : OrderPaid, order)
  messaging.registry.dispatch(OrderPlaced, undefined as never)
  await messaging.close()
  const outage = reports.filter(({ code }) => code === gone.code)
  expect(
    outage.map(({ suppressed }) => suppressed),
    'the last one is sent by close()',
  ).toEqual([0, 0, 0, 4_996])
  expect(reports.length - outage.length).toBe(1)
})

describe('no payload and no secret', () => {
  const canary = 'c4n4ry-5ecret'

  test('leaves with a report or breadcrumb, not from a cause either', async () => {
    class Leaky extends ProducerManifest<{ id: string }> {
      topic = 'leaky'
      override key({ id }: { id: string }): string {
        throw new Error(`cannot make a key of ${id}`, { cause: { id } })
      }
    }
    const { messaging, reports, breadcrumbs } = watch({}, { sasl: { password: canary } })
    messaging.registry.dispatch(Leaky, { id: canary })
    messaging.registry.dispatch(OrderPlaced, { id: canary, total: 1n } as never)
    await messaging.close()
    expect(reports.map(({ code }) => code)).toEqual(['MANIFEST_HOOK_FAILED', 'PAYLOAD_INVALID'])
    const { inspect } = process.getBuiltinModule('node:util')
    expect(inspect({ reports, breadcrumbs }, { depth: Infinity, showHidden: true })).not.toContain(canary)
  })
})

test('a notifier that throws is called after the caller has heard, and sends go on', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const settled: string[] = []
  const notifier: ErrorNotifier = {
    notify() {
      settled.push('notified')
      throw new Error('broken')
    },
  }
  await using messaging = messagingInMemory({ errorNotifier: { notifier, awaited: true } })
  await messaging.registry.send(OrderPlaced, order)
  const heal = messaging.driver.failWhen(() => gone)
  await messaging.registry.send(OrderPlaced, order).catch(() => settled.push('rejected'))
  heal()
  await messaging.registry.send(OrderPlaced, order)
  await messaging.close()
  expect(settled, 'the caller hears first').toEqual(['rejected', 'notified'])
})

function watch(errorNotifier: MessagingOptions['errorNotifier'] = {}, options: MessagingOptions = {}) {
  const reports: ErrorReport[] = []
  const breadcrumbs: Breadcrumb[] = []
  const notifier: ErrorNotifier = {
    notify: (report) => void reports.push(report),
    leaveBreadcrumb: (breadcrumb) => void breadcrumbs.push(breadcrumb),
  }
  const messaging = messagingInMemory({ ...options, errorNotifier: { notifier, ...errorNotifier } })
  onTestFinished(() => messaging.close())
  return { messaging, reports, breadcrumbs }
}
