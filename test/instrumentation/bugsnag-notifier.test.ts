import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import module from '@bugsnag/js'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { createBugsnagNotifier, startBugsnag, type BugsnagClient } from '../../src/instrumentation/bugsnag-notifier.ts'
import { Secret } from '../../src/index.ts'
import { startProgram } from '../lifecycle/run-program.ts'
import { messagingInMemory, order, OrderPlaced } from '../registry/manifests.ts'
import { createReport } from './create-report.ts'

const apiKey = 'abcdef0123456789abcdef0123456789'

interface Posted {
  readonly headers: Record<string, unknown>
  readonly body: { events: Record<string, never>[] }
}

describe('from the configuration', () => {
  test('a dispatched failure arrives at the endpoint as Bugsnag’s JSON', async () => {
    const { url, posted } = await startEndpoint()
    const messaging = messagingInMemory({
      environment: 'staging',
      errorNotifier: { apiKey, endpoint: url },
    })
    await messaging.registry.send(OrderPlaced, order)
    messaging.driver.failWhen(() => ({ code: 'NOT_ENOUGH_REPLICAS', reason: 'two are gone', driverCode: 19 }))
    messaging.registry.dispatch(OrderPlaced, { id: 'c4n4ry', total: 1 })
    await messaging.close()
    expect(posted).toHaveLength(1)
    const { headers, body } = posted[0]!
    expect(headers['bugsnag-api-key']).toBe(apiKey)
    expect(body.events).toMatchObject([
      {
        severity: 'warning',
        unhandled: false,
        groupingHash: 'NOT_ENOUGH_REPLICAS:OrderPlaced',
        app: { releaseStage: 'staging' },
        exceptions: [
          {
            errorClass: 'NOT_ENOUGH_REPLICAS',
            message: 'Too few replicas are in sync to accept the message: two are gone.',
          },
        ],
        metaData: {
          messaging: {
            code: 'NOT_ENOUGH_REPLICAS',
            source: 'dispatch',
            manifest: 'OrderPlaced',
            topic: 'orders.placed',
            outcome: 'rejected',
            retriable: true,
            driverCode: 19,
            suppressed: 0,
          },
        },
      },
    ])
    const [event] = body.events as unknown as { exceptions: unknown[]; breadcrumbs: { name: string }[] }[]
    expect(event!.exceptions, 'no cause goes along').toHaveLength(1)
    expect(event!.breadcrumbs.map(({ name }) => name)).toEqual([
      'client.connected',
      'producer.built',
      'registry.closing',
      'client.closed',
    ])
    expect(JSON.stringify(body)).not.toContain('c4n4ry')
  })

  test('an endpoint that refuses is a rejection, which sends do not hear', async () => {
    const { url } = await startEndpoint(500)
    const notifier = await startBugsnag({ apiKey: new Secret(apiKey), endpoint: url, releaseStage: 'test' })
    await expect(notifier.notify(createReport())).rejects.toThrow('Bad statusCode from API: 500')
  })

  test('an endpoint that takes the report and never answers keeps no process alive', async () => {
    const { url, posted } = await startEndpoint('silent')
    const program = startProgram('report-to-endpoint', url)
    await program.printed('closed')
    const closedAt = performance.now()
    expect(await program.end).toMatchObject({ code: 0, stdout: 'closed\n', stderr: '' })
    expect(performance.now() - closedAt, 'long before the socket gives up').toBeLessThan(5_000)
    expect(posted).toHaveLength(1)
  })
})

describe('the application’s own client', () => {
  const createClient = (url: string, more: Partial<Parameters<typeof module.default.createClient>[0] & object>) =>
    module.default.createClient({
      apiKey,
      endpoints: { notify: url, sessions: url },
      autoDetectErrors: false,
      autoTrackSessions: false,
      enabledBreadcrumbTypes: [],
      logger: null,
      ...more,
    })

  test('reports with what the application has added to it', async () => {
    const { url, posted } = await startEndpoint()
    const client = createClient(url, { user: { id: 'user-1' } })
    expectTypeOf(client).toExtend<BugsnagClient>()
    const messaging = messagingInMemory({ errorNotifier: { bugsnag: client } })
    messaging.driver.failConnect({ code: 'BROKERS_UNREACHABLE', reason: 'down' })
    messaging.registry.dispatch(OrderPlaced, order)
    await messaging.close()
    expect(posted.map(({ body }) => body.events)).toMatchObject([
      [{ user: { id: 'user-1' }, groupingHash: 'BROKERS_UNREACHABLE:OrderPlaced' }],
    ])
  })

  test('one whose callback drops the report is done with it', async () => {
    const { url, posted } = await startEndpoint()
    const client = createClient(url, { onError: () => false })
    await createBugsnagNotifier(client).notify(createReport())
    expect(posted).toEqual([])
  })
})

async function startEndpoint(status: number | 'silent' = 200) {
  const posted: Posted[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString()))
    request.on('end', () => {
      posted.push({ headers: request.headers, body: JSON.parse(text) as Posted['body'] })
      if (status !== 'silent') response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posted }
}
