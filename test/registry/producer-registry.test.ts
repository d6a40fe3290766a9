import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import type { DriverModule } from '../../src/driver.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { createMemoryDriver } from '../../src/testing.ts'
import { AuditWritten, messagingInMemory, order, OrderPaid, OrderPlaced } from './manifests.ts'
import { eventually } from '../eventually.ts'
import { recordEvents } from '../record-events.ts'

const down = { code: 'BROKERS_UNREACHABLE', reason: 'down' } as const

describe('building', () => {
  test('nothing is built before the first send, not even the manifest instance', async () => {
    const made = vi.fn()
    class Watched extends ProducerManifest<string> {
      topic = 'watched'
      override readonly codec = 'string'
      constructor() {
        super()
        made()
      }
    }
    await using messaging = messagingInMemory()
    expect(messaging.registry.status()).toMatchObject({ producers: [], clients: [] })
    expect(made).not.toHaveBeenCalled()
    await Promise.all([messaging.registry.send(Watched, 'a'), messaging.registry.send(Watched, 'b')])
    await messaging.registry.send(Watched, 'c')
    expect(made).toHaveBeenCalledOnce()
  })

  test('producers of one profile share a client; another profile has its own', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    await Promise.all([
      registry.send(OrderPlaced, order),
      registry.send(OrderPaid, order),
      registry.send(AuditWritten, order),
    ])
    expect(driver.createdClients).toBe(2)
    expect(registry.status().clients.map(({ manifests }) => manifests)).toEqual([
      ['OrderPlaced', 'OrderPaid'],
      ['AuditWritten'],
    ])
  })

  test('a failed build fails the sends that wait for it, and the next send builds again', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    const failures = recordEvents('producer.build_failed')
    driver.failConnect(down)
    const sent = await Promise.allSettled([registry.send(OrderPlaced, order), registry.send(OrderPlaced, order)])
    for (const result of sent) {
      expect(result).toMatchObject({
        reason: { code: 'BROKERS_UNREACHABLE', manifest: 'OrderPlaced', outcome: 'not_sent' },
      })
    }
    expect(failures).toHaveLength(1)
    expect(registry.status().producers[0]).toMatchObject({
      state: 'declared',
      lastError: { code: 'BROKERS_UNREACHABLE' },
    })
    await registry.send(OrderPlaced, order)
    expect(registry.status().producers[0]).toMatchObject({ state: 'ready', lastError: undefined })
    expect(driver.createdClients).toBe(1)
  })

  test('manifests that share a failing client each get an error that names them', async () => {
    await using messaging = messagingInMemory()
    messaging.driver.failConnect(down)
    const results = await Promise.allSettled(
      [OrderPlaced, OrderPaid].map((Manifest) => messaging.registry.send(Manifest, order)),
    )
    expect(results).toMatchObject([{ reason: { manifest: 'OrderPlaced' } }, { reason: { manifest: 'OrderPaid' } }])
  })

  test('after a failed first send even the driver may be another one', async () => {
    await using messaging = messagingInMemory()
    messaging.driver.failConnect(down)
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toThrow()
    const other = createMemoryDriver()
    messaging.configure({ driver: other })
    await messaging.registry.send(OrderPlaced, order)
    expect(other.records()).toHaveLength(1)
  })

  test('a producer rebuilt after a failure keeps its overrides', async () => {
    await using messaging = messagingInMemory({ producers: { OrderPlaced: { topic: 'elsewhere' } } })
    messaging.driver.failConnect(down)
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toThrow()
    expect(await messaging.registry.send(OrderPlaced, order)).toMatchObject({ topic: 'elsewhere' })
  })

  test('sends that wait for the build keep their order, also against those that come right after it', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    const sent = [0, 1, 2].map((total) => registry.send(OrderPlaced, { ...order, total }))
    let next = 3
    const built = recordEvents('producer.built')
    // Sends in every microtask until the producer is there, so that one of them meets the moment of its completion.
    while (built.length === 0) {
      sent.push(registry.send(OrderPlaced, { ...order, total: next++ }))
      await Promise.resolve()
    }
    for (let turn = 0; turn < 10; turn++) {
      sent.push(registry.send(OrderPlaced, { ...order, total: next++ }))
      await Promise.resolve()
    }
    await Promise.all(sent)
    const totals = driver
      .records('orders.placed')
      .map(({ value }) => (JSON.parse(value!.toString()) as { total: number }).total)
    expect(totals).toEqual(Array.from({ length: next }, (_, index) => index))
  })
})

describe('bad input', () => {
  test.each([
    [
      'a class that is no manifest',
      class Order {
        id = 1
      },
      /The class Order is not a producer manifest/,
    ],
    ['an instance', new OrderPlaced(), /A value of type OrderPlaced/],
    ['a name', 'OrderPlaced', /A value of type string/],
    ['nothing', undefined, /A value of type undefined/],
  ])('%s instead of a manifest is refused', async (_, manifest, message) => {
    await using messaging = messagingInMemory()
    const sent = messaging.registry.send(manifest as never, order as never)
    await expect(sent).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      message: expect.stringMatching(message) as string,
    })
    expect(() => messaging.registry.dispatch(manifest as never, order as never)).toThrow(message)
  })

  test('two manifests of one name are refused: configuration and metrics could not tell them apart', async () => {
    await using messaging = messagingInMemory()
    const Other = {
      OrderPlaced: class OrderPlaced extends ProducerManifest {
        topic = 'other'
      },
    }.OrderPlaced
    await messaging.registry.send(OrderPlaced, order)
    await expect(messaging.registry.send(Other, order)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  test('a null payload is refused and pointed to tombstone()', async () => {
    await using messaging = messagingInMemory()
    const sent = messaging.registry.send(OrderPlaced, null as never)
    await expect(sent).rejects.toMatchObject({
      code: 'PAYLOAD_INVALID',
      message: expect.stringContaining('tombstone') as string,
    })
  })

  test('an unknown option of a call is refused', async () => {
    await using messaging = messagingInMemory()
    const sent = messaging.registry.send(OrderPlaced, order, { acks: 1 } as never)
    await expect(sent).rejects.toMatchObject({ code: 'SEND_OPTION_INVALID' })
  })

  test('Avro without a schema registry says which field is missing and how to set it', async () => {
    class Typed extends ProducerManifest<string> {
      topic = 'typed'
      override readonly schema = '"string"'
    }
    await using messaging = messagingInMemory()
    await expect(messaging.registry.send(Typed, 'x')).rejects.toThrow(
      /schemaRegistry\.url.*POSTRIDER_SCHEMA_REGISTRY_URL/,
    )
  })

  test('a wrong schema registry can be corrected after a failed first send', async () => {
    class Typed extends ProducerManifest<string> {
      topic = 'typed'
      override readonly schema = '"string"'
    }
    await using messaging = messagingInMemory()
    messaging.configure({ schemaRegistry: { url: 'http://127.0.0.1:1', timeoutMs: 50 } })
    await expect(messaging.registry.send(Typed, 'x')).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_UNREACHABLE',
      manifest: 'Typed',
    })
    messaging.configure({ schemaRegistry: { url: 'memory:' } })
    await expect(messaging.registry.send(Typed, 'x')).resolves.toMatchObject({ topic: 'typed' })
  })

  test('no brokers says so', async () => {
    await using messaging = createMessaging({}, {})
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({ code: 'CONFIG_MISSING' })
  })
})

describe('configuring after the first send', () => {
  test('what is built cannot change; what is not built can', async () => {
    await using messaging = messagingInMemory()
    await messaging.registry.send(OrderPlaced, order)
    expect(() => messaging.configure({ clientId: 'late' })).toThrow(expect.objectContaining({ code: 'CONFIG_IN_USE' }))
    expect(() => messaging.configure({ producers: { OrderPlaced: { acks: 1 } } })).toThrow(
      /OrderPlaced was already built/,
    )
    messaging.configure({ producers: { OrderPaid: { topic: 'late.topic' } } })
    expect(await messaging.registry.send(OrderPaid, order)).toMatchObject({ topic: 'late.topic' })
  })
})

test('status names overrides that no manifest has used', async () => {
  await using messaging = messagingInMemory({ producers: { OrderPlaced: { acks: 1 }, OrderPlacd: { acks: 1 } } })
  await messaging.registry.send(OrderPlaced, order)
  expect(messaging.registry.status().unusedOverrides).toEqual(['OrderPlacd'])
})

describe('disable', () => {
  test('suppresses the named manifests in its async context only, also in nested calls', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    const suppressed = recordEvents('message.suppressed')
    const inside = registry.disable(OrderPlaced, async () => {
      await Promise.resolve()
      registry.dispatch(OrderPlaced, order)
      const nested = await registry.disable(OrderPaid, () =>
        Promise.all([registry.send(OrderPlaced, order), registry.send(OrderPaid, order)]),
      )
      return {
        nested,
        other: await registry.send(OrderPaid, order),
        many: await registry.sendMany(OrderPlaced, [order, order]),
      }
    })
    const outside = registry.send(OrderPlaced, order)
    const { nested, other, many } = await inside
    expect([...nested, ...many].map((report) => report.suppressed)).toEqual([true, true, true, true])
    expect(other.suppressed).toBeUndefined()
    expect(await outside).toMatchObject({ topic: 'orders.placed', offset: 0 })
    expect(
      driver
        .records()
        .map(({ topic }) => topic)
        .toSorted(),
    ).toEqual(['orders.paid', 'orders.placed'])
    expect(suppressed.map(({ manifest }) => manifest)).toEqual([
      'OrderPlaced',
      'OrderPlaced',
      'OrderPaid',
      'OrderPlaced',
    ])
  })

  test('without a manifest suppresses all, and gives back what the function returns or throws', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    expect(registry.disable(() => 7)).toBe(7)
    expect(() =>
      registry.disable(() => {
        throw new RangeError('own')
      }),
    ).toThrow(RangeError)
    await registry.disable(() => registry.send(OrderPaid, order))
    expect(driver.createdClients).toBe(0)
  })

  test('refuses a last argument that is no function to run', () => {
    const { registry } = messagingInMemory()
    expect(() => registry.disable(OrderPlaced as never)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
  })
})

describe('backpressure', () => {
  const small = { producer: { queueMaxMessages: 10, queueTimeoutMs: 60_000 } }

  test('a full queue makes sends wait in order, and acknowledgements let them in', async () => {
    await using messaging = messagingInMemory(small)
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const sent = Array.from({ length: 20 }, (_, total) => registry.send(OrderPlaced, { ...order, total }))
    expect(driver.records()).toHaveLength(11)
    expect(registry.status().clients[0]).toMatchObject({ pending: 20 })
    release()
    const reports = await Promise.all(sent)
    expect(reports.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  test('QUEUE_FULL comes when the line for room is full too', async () => {
    await using messaging = messagingInMemory(small)
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const sent = Array.from({ length: 21 }, () => registry.send(OrderPlaced, order))
    await expect(sent[20]).rejects.toMatchObject({ code: 'QUEUE_FULL', outcome: 'not_sent', retriable: true })
    release()
    await Promise.all(sent.slice(0, 20))
  })

  test('QUEUE_FULL comes when no room appears within queueTimeoutMs', async () => {
    await using messaging = messagingInMemory({ producer: { queueMaxMessages: 1, queueTimeoutMs: 1 } })
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const first = registry.send(OrderPlaced, order)
    await expect(registry.send(OrderPlaced, order)).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    release()
    await first
  })

  test('a list longer than queue and line together is sent without failures', async () => {
    await using messaging = messagingInMemory(small)
    const payloads = Array.from({ length: 5000 }, (_, total) => ({ ...order, total }))
    const reports = await messaging.registry.sendMany(OrderPlaced, payloads)
    expect(reports.map(({ offset }) => offset)).toEqual(payloads.map(({ total }) => total))
  })
})

describe('a list that its caller empties meanwhile', () => {
  test('is sent as it was, also when the producer has to be built first', async () => {
    await using messaging = messagingInMemory({ producer: { queueMaxMessages: 1 } })
    for (let round = 0; round < 2; round++) {
      const list = Array.from({ length: 50 }, () => order)
      const sent = messaging.registry.sendMany(OrderPlaced, list)
      list.length = 0
      expect(await sent).toHaveLength(50)
    }
  })
})

describe('abort', () => {
  test('before the send: nothing happens', async () => {
    await using messaging = messagingInMemory()
    const sent = messaging.registry.send(OrderPlaced, order, { signal: AbortSignal.abort() })
    await expect(sent).rejects.toMatchObject({ code: 'SEND_ABORTED', outcome: 'not_sent' })
    expect(messaging.driver.records()).toEqual([])
  })

  test('while it waits for the producer to be built', async () => {
    await using messaging = messagingInMemory()
    const controller = new AbortController()
    const sent = messaging.registry.send(OrderPlaced, order, { signal: controller.signal })
    controller.abort(new Error('user left'))
    await expect(sent).rejects.toMatchObject({ code: 'SEND_ABORTED', cause: { message: 'user left' } })
    await messaging.registry.flush()
    expect(messaging.driver.records()).toEqual([])
  })

  test('while it waits for room: it is not sent', async () => {
    await using messaging = messagingInMemory({ producer: { queueMaxMessages: 1 } })
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const controller = new AbortController()
    const first = registry.send(OrderPlaced, order)
    const second = registry.send(OrderPlaced, order, { signal: controller.signal })
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'SEND_ABORTED', outcome: 'not_sent' })
    release()
    await first
    expect(driver.records()).toHaveLength(2)
    expect(registry.status().producers[0]).toMatchObject({ started: 3, acknowledged: 2, failed: 1, pending: 0 })
  })

  test('after it was handed over: the caller is free, the outcome unknown, the message still counted', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const controller = new AbortController()
    const sent = registry.send(OrderPlaced, order, { signal: controller.signal })
    controller.abort()
    await expect(sent).rejects.toMatchObject({ code: 'SEND_ABANDONED', outcome: 'unknown' })
    release()
    await registry.flush()
    expect(registry.status().producers[0]).toMatchObject({ acknowledged: 2, failed: 0, pending: 0 })
  })
})

describe('dispatch', () => {
  test('a failure becomes an event that says nobody waited', async () => {
    await using messaging = messagingInMemory()
    const failed = recordEvents('message.failed')
    messaging.driver.failWhen(() => ({ code: 'NOT_ENOUGH_REPLICAS', reason: 'two of three are gone' }))
    messaging.registry.dispatch(OrderPlaced, order)
    await messaging.registry.flush()
    expect(failed).toMatchObject([
      { manifest: 'OrderPlaced', topic: 'orders.placed', dispatched: true, error: { code: 'NOT_ENOUGH_REPLICAS' } },
    ])
  })

  test('a failure that nobody listens to is a process warning, once for each code', async () => {
    await using messaging = messagingInMemory()
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    onTestFinished(() => warned.mockRestore())
    messaging.driver.failWhen(() => ({ code: 'NOT_ENOUGH_REPLICAS', reason: 'gone' }))
    for (let count = 0; count < 5; count++) messaging.registry.dispatch(OrderPlaced, order)
    messaging.registry.dispatch(OrderPlaced, undefined as never)
    await messaging.registry.flush()
    const codes = (warned.mock.calls as unknown[][]).map(([, , code]) => code)
    expect(codes).toEqual(['PAYLOAD_INVALID', 'NOT_ENOUGH_REPLICAS'])
  })
})

describe('flush', () => {
  test('waits for what was sent before it, not for what comes after', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    const settled: string[] = []
    void registry.send(OrderPlaced, order).then(() => settled.push('before'))
    await registry.flush()
    const release = driver.hold()
    void registry.send(OrderPlaced, order).then(() => settled.push('after'))
    expect(settled).toEqual(['before'])
    release()
  })

  test('FLUSH_TIMED_OUT says how many are still out, and they settle on their own', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const sent = [registry.send(OrderPlaced, order), registry.send(OrderPlaced, order)]
    await expect(registry.flush(1)).rejects.toMatchObject({
      code: 'FLUSH_TIMED_OUT',
      message: expect.stringContaining('2 messages') as string,
    })
    release()
    await Promise.all(sent)
  })
})

describe('close', () => {
  test('before anything was sent is quick and final', async () => {
    const { registry } = messagingInMemory()
    await registry.close()
    await expect(registry.send(OrderPlaced, order)).rejects.toMatchObject({ code: 'REGISTRY_CLOSED' })
    expect(() => registry.dispatch(OrderPlaced, order)).toThrow(expect.objectContaining({ code: 'REGISTRY_CLOSED' }))
  })

  test('with configuration that cannot be resolved still closes', async () => {
    const messaging = createMessaging({}, { POSTRIDER_NO_SUCH_FIELD: '1' })
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({ code: 'CONFIG_UNKNOWN_FIELD' })
    await messaging.close()
  })

  test('does not wait longer for a connection than closeTimeoutMs, and closes the client when it is there', async () => {
    const { promise: reachable, resolve: reach } = Promise.withResolvers<void>()
    const memory = createMemoryDriver()
    const slow: DriverModule = {
      ...memory,
      createDriver: (options) => reachable.then(() => memory.createDriver(options)),
    }
    const { registry } = createMessaging({ driver: slow, closeTimeoutMs: 1 }, {})
    const sent = registry.send(OrderPlaced, order)
    await Promise.all([
      registry.close(),
      expect(sent).rejects.toMatchObject({ code: 'CLOSE_TIMED_OUT', outcome: 'not_sent' }),
    ])
    expect(registry.status().state).toBe('closed')
    reach()
    await eventually(() => expect(memory.createdClients).toBe(1))
    await eventually(() => expect(memory.openClients).toBe(0))
  })

  test('while connecting sends what was accepted', async () => {
    const { registry, driver } = messagingInMemory()
    const sent = registry.send(OrderPlaced, order)
    await registry.close()
    await expect(sent).resolves.toMatchObject({ offset: 0 })
    expect(driver.openClients).toBe(0)
  })

  test('gives up after closeTimeoutMs: what was handed over is unknown, what waited is not sent', async () => {
    const { registry, driver } = messagingInMemory({ closeTimeoutMs: 1, producer: { queueMaxMessages: 1 } })
    await registry.send(OrderPlaced, order)
    const closed = recordEvents('registry.closed')
    driver.hold()
    const sent = Promise.allSettled([registry.send(OrderPlaced, order), registry.send(OrderPlaced, order)])
    await registry.close()
    expect(await sent).toMatchObject([
      { reason: { code: 'CLOSE_TIMED_OUT', outcome: 'unknown', manifest: 'OrderPlaced' } },
      { reason: { code: 'CLOSE_TIMED_OUT', outcome: 'not_sent' } },
    ])
    expect(closed).toMatchObject([{ unsettled: 2 }])
    expect(driver.openClients).toBe(0)
  })

  test('waits for a long list that is still being handed over', async () => {
    const { registry, driver } = messagingInMemory({ producer: { queueMaxMessages: 10 } })
    const sent = registry.sendMany(
      OrderPlaced,
      Array.from({ length: 3000 }, () => order),
    )
    await registry.close()
    expect(await sent).toHaveLength(3000)
    expect(driver.records()).toHaveLength(3000)
  })
})

test('signals are listened to while a producer is built, and afterwards only for a driver that may lose something', async () => {
  const before = process.listenerCount('SIGTERM')
  const listeners = (): number => process.listenerCount('SIGTERM') - before
  const whileConnecting: number[] = []
  const driver: DriverModule = {
    name: 'late',
    needsBrokers: () => false,
    async createDriver(options) {
      whileConnecting.push(listeners())
      if (whileConnecting.length === 1) throw new MessagingError('BROKERS_UNREACHABLE', down)
      return createMemoryDriver().createDriver(options)
    },
  }
  const { registry } = messagingInMemory({ driver })
  await expect(registry.send(OrderPlaced, order)).rejects.toThrow()
  expect(listeners()).toBe(0)
  await registry.send(OrderPlaced, order)
  expect(listeners()).toBe(0)
  expect(whileConnecting).toEqual([1, 1])
})

describe('idle and dead clients', () => {
  test('disconnectIdle lets go of clients with nothing to do, and the next send connects again', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    const release = driver.hold()
    const busy = registry.send(AuditWritten, order)
    await eventually(() => expect(driver.openClients).toBe(2))
    registry.disconnectIdle()
    await eventually(() => expect(driver.openClients).toBe(1))
    release()
    await busy
    await registry.send(OrderPlaced, order)
    expect(driver).toMatchObject({ openClients: 2, createdClients: 3 })
  })
})

test('messageId gives messages ids that rise with the order of the sends, for all or for one manifest', async () => {
  await using messaging = messagingInMemory({ producers: { OrderPlaced: { messageId: true, messageIdHeader: 'id' } } })
  const { registry, driver } = messaging
  await registry.sendMany(OrderPlaced, [order, order, order])
  await registry.send(OrderPaid, order)
  const ids = driver.records('orders.placed').map(({ headers }) => new Map(headers).get('id')!.toString())
  expect(ids).toEqual([...new Set(ids)].toSorted())
  expect(driver.records('orders.paid')[0]!.headers).toEqual([])
})
