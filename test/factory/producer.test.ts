import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Codec } from '../../src/encoding/codec.ts'
import { MessagingError } from '../../src/errors/messaging-error.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'
import { subscribe, type EventPayloads } from '../../src/instrumentation/events.ts'
import { catchRejection } from '../catch-error.ts'
import { eventually } from '../eventually.ts'
import { FakeDriver } from '../driver/fake-driver.ts'
import { createTestProducer, OrderPlaced, type Order } from './create-test-producer.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Every hook writes down what it is given. */
class Logged extends ProducerManifest<Order> {
  readonly topic = 'orders'
  readonly calls: unknown[] = []
  override prepare(order: Order): Order {
    this.calls.push(['prepare', order])
    return { id: `prepared ${order.id}` }
  }
  override key(order: Order): string {
    this.calls.push(['key', order])
    return 'the key'
  }
  override partition(order: Order, key: Buffer | null): number {
    this.calls.push(['partition', order, String(key)])
    return 3
  }
  override timestamp(order: Order): number {
    this.calls.push(['timestamp', order])
    return 1234
  }
  override headers(order: Order): Record<string, string> {
    this.calls.push(['headers', order])
    return { source: 'manifest' }
  }
}

describe('send', () => {
  test('hands the message to the driver before it returns, and resolves with the acknowledgement', async () => {
    const { producer, driver } = createTestProducer()
    const sent = producer.send({ id: 'o-1' })
    expect(driver.taken[0]!.message).toEqual({
      topic: 'orders',
      value: Buffer.from('{"id":"o-1"}'),
      key: null,
      headers: undefined,
      partition: -1,
      timestamp: 0,
    })
    driver.settle(1)
    expect(await sent).toEqual({ topic: 'orders', partition: 0, offset: 1, timestamp: -1 })
  })

  test('asks prepare first, then the others with what it gave, each once and in this order', () => {
    const manifest = new Logged()
    const { producer, driver } = createTestProducer(manifest)
    void producer.send({ id: '1' })
    const prepared = { id: 'prepared 1' }
    expect(manifest.calls).toEqual([
      ['prepare', { id: '1' }],
      ['key', prepared],
      ['partition', prepared, 'the key'],
      ['timestamp', prepared],
      ['headers', prepared],
    ])
    expect(driver.taken[0]!.message).toMatchObject({
      key: Buffer.from('the key'),
      value: Buffer.from('{"id":"prepared 1"}'),
      partition: 3,
      timestamp: 1234,
      headers: [['source', Buffer.from('manifest')]],
    })
  })

  test('options of the call win over the hooks, which are not asked then; headers are added', () => {
    const manifest = new Logged()
    const { producer, driver } = createTestProducer(manifest)
    void producer.send({ id: '1' }, { key: 'mine', partition: 0, timestamp: new Date(99), headers: { source: 'call' } })
    expect(manifest.calls.map((call) => (call as unknown[])[0])).toEqual(['prepare', 'headers'])
    expect(driver.taken[0]!.message).toMatchObject({
      key: Buffer.from('mine'),
      partition: 0,
      timestamp: 99,
      headers: [
        ['source', Buffer.from('manifest')],
        ['source', Buffer.from('call')],
      ],
    })
  })

  test('a key of null in the options means none, and undefined is no choice', () => {
    const { producer, driver } = createTestProducer(new Logged())
    for (const key of [undefined, null]) void producer.send({ id: '1' }, { key })
    expect(driver.taken.map(({ message }) => message.key?.toString() ?? null)).toEqual(['the key', null])
  })

  test.each(['prepare', 'key', 'partition', 'timestamp', 'headers'] as const)(
    'a %s() that throws fails the send, and nothing is sent',
    async (hook) => {
      const cause = new Error('broken')
      const manifest = new OrderPlaced()
      manifest[hook] = () => {
        throw cause
      }
      const { producer, driver } = createTestProducer(manifest)
      expect(await catchRejection(producer.send({ id: '1' }))).toMatchObject({
        code: 'MANIFEST_HOOK_FAILED',
        message: `Manifest OrderPlaced: ${hook}() failed.`,
        outcome: 'not_sent',
        manifest: 'OrderPlaced',
        cause,
      })
      expect([driver.taken.length, producer.ledger.failed]).toEqual([0, 1])
    },
  )

  test('a hook may refuse with an error of the SDK, which stays as it is', async () => {
    const refusal = new MessagingError('AUTHORIZATION_DENIED', { reason: 'not yours' })
    const manifest = new OrderPlaced()
    manifest.prepare = () => {
      throw refusal
    }
    expect(await catchRejection(createTestProducer(manifest).producer.send({ id: '1' }))).toBe(refusal)
  })

  test('a prepare() that is async is refused, where its promise would have been sent as {}', async () => {
    const manifest = new OrderPlaced()
    manifest.prepare = (async (order: Order) => Promise.resolve(order)) as unknown as (order: Order) => Order
    const { producer, driver } = createTestProducer(manifest)
    expect(await catchRejection(producer.send({ id: '1' }))).toMatchObject({
      code: 'MANIFEST_HOOK_FAILED',
      message: 'Manifest OrderPlaced: prepare() failed: it returns a promise, and is not awaited.',
    })
    expect(driver.taken).toEqual([])
  })

  test.each<[options: object, code: string]>([
    [{ key: { id: 1 } }, 'KEY_INVALID'],
    [{ headers: { a: null } }, 'HEADER_INVALID'],
    [{ partition: -1 }, 'SEND_OPTION_INVALID'],
    [{ timestamp: 'now' }, 'SEND_OPTION_INVALID'],
    [{ signal: 'stop' }, 'SEND_OPTION_INVALID'],
    [{ timeout: 5 }, 'SEND_OPTION_INVALID'],
  ])('options %o reject with %s, and nothing is sent', async (options, code) => {
    const { producer, driver } = createTestProducer()
    const error = await catchRejection(producer.send({ id: '1' }, options))
    expect(error).toMatchObject({ code, manifest: 'OrderPlaced', outcome: 'not_sent' })
    expect(driver.taken).toEqual([])
  })

  test.each([null, undefined])('%s is no payload, and the message says how a key is deleted', async (payload) => {
    const { producer } = createTestProducer()
    const error = await catchRejection(producer.send(payload as unknown as Order))
    expect(error).toMatchObject({ code: 'PAYLOAD_INVALID', manifest: 'OrderPlaced' })
    expect(error.message).toContain('registry.tombstone()')
  })

  test('a codec of a user that throws is named as such', async () => {
    const cause = new Error('broken')
    const codec: Codec<Order> = {
      name: 'own',
      encode: () => {
        throw cause
      },
      decode: () => ({ id: '' }),
    }
    const { producer } = createTestProducer(new OrderPlaced(), { codec })
    expect(await catchRejection(producer.send({ id: '1' }))).toMatchObject({
      code: 'MANIFEST_HOOK_FAILED',
      message: 'Manifest OrderPlaced: codec.encode() failed.',
      cause,
    })
  })

  test('key, value and headers count together against maxMessageBytes, to the byte', async () => {
    const bytes = Buffer.byteLength('{"id":"o-1"}') + 'key'.length + 'a'.length + 'bc'.length
    const options = { key: 'key', headers: { a: 'bc' } }
    const fits = createTestProducer(new OrderPlaced(), { maxMessageBytes: bytes })
    void fits.producer.send({ id: 'o-1' }, options)
    expect(fits.driver.taken).toHaveLength(1)
    const short = createTestProducer(new OrderPlaced(), { maxMessageBytes: bytes - 1 })
    expect(await catchRejection(short.producer.send({ id: 'o-1' }, options))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      manifest: 'OrderPlaced',
      outcome: 'not_sent',
    })
    expect(short.driver.taken).toEqual([])
  })

  test('a signal that has aborted keeps the hooks from being asked', async () => {
    const manifest = new Logged()
    const { producer } = createTestProducer(manifest)
    expect(await catchRejection(producer.send({ id: '1' }, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'SEND_ABORTED',
    })
    expect(manifest.calls).toEqual([])
  })

  describe('the bytes of a codec that reuses its buffer', () => {
    const scratch = Buffer.alloc(1)
    const codec: Codec<Order> = {
      name: 'scratch',
      encode({ id }) {
        scratch.write(id)
        return scratch
      },
      decode: () => ({ id: '' }),
    }

    test('are copied for a driver that keeps them', () => {
      const { producer, driver } = createTestProducer(new OrderPlaced(), { codec })
      for (const id of ['a', 'b']) void producer.send({ id })
      expect(driver.values).toEqual(['a', 'b'])
    })

    test('and not for one that copies them itself', () => {
      const parts = { codec, driver: new FakeDriver({ copiesValue: true }) }
      const { producer, driver } = createTestProducer(new OrderPlaced(), parts)
      void producer.send({ id: 'a' })
      expect(driver.taken[0]!.message.value).toBe(scratch)
    })
  })
})

describe('tombstone', () => {
  test('is a message with a key and no value; no hook is asked, options count', async () => {
    const manifest = new Logged()
    const { producer, driver } = createTestProducer(manifest)
    const sent = producer.tombstone('o-1', { partition: 2, headers: { why: 'erased' } })
    expect(driver.taken[0]!.message).toEqual({
      topic: 'orders',
      value: null,
      key: Buffer.from('o-1'),
      headers: [['why', Buffer.from('erased')]],
      partition: 2,
      timestamp: 0,
    })
    expect(manifest.calls).toEqual([])
    driver.settle(1)
    await sent
  })

  test.each([null, undefined])('needs a key, and %s is none', async (key) => {
    const { producer, driver } = createTestProducer()
    const error = await catchRejection(producer.tombstone(key))
    expect(error.code).toBe('KEY_INVALID')
    expect(error.message).toContain('a tombstone needs one')
    expect(driver.taken).toEqual([])
  })
})

describe('dispatch', () => {
  test('returns at once and never throws: a failure is an event', () => {
    const failures: string[] = []
    const stop = subscribe(
      'message.failed',
      ({ error, dispatched }) => void failures.push(`${error.code} ${dispatched}`),
    )
    const { producer, driver } = createTestProducer()
    producer.dispatch({ id: '1' })
    producer.dispatch(null as unknown as Order)
    expect(driver.taken).toHaveLength(1)
    driver.settle(1, { code: 'DRIVER_FAILED', reason: 'x' })
    stop()
    expect(failures).toEqual(['PAYLOAD_INVALID true', 'DRIVER_FAILED true'])
  })

  describe('messages that follow one another', () => {
    const settlements = (driver: FakeDriver): number => new Set(driver.taken.map(({ settlement }) => settlement)).size

    test('have one delivery, and each its own outcome', () => {
      const { producer, client, driver } = createTestProducer()
      const { ledger } = producer
      const failures: unknown[] = []
      const stop = subscribe('message.failed', ({ error, partition }) => void failures.push([error.code, partition]))
      for (const id of ['1', '2', '3']) producer.dispatch({ id })
      producer.dispatch(null as unknown as Order)
      expect(driver.values).toEqual(['{"id":"1"}', '{"id":"2"}', '{"id":"3"}'])
      expect(settlements(driver)).toBe(1)
      expect(ledger).toMatchObject({ started: 4, acknowledged: 0, failed: 1 })
      driver.settle(1)
      driver.settle(1, { code: 'DELIVERY_TIMED_OUT', reason: 'x' })
      expect(ledger).toMatchObject({ started: 4, acknowledged: 1, failed: 2 })
      expect(client.pending).toBe(1)
      driver.settle(1)
      expect(ledger).toMatchObject({ started: 4, acknowledged: 2, failed: 2 })
      expect([client.pending, client.pendingBytes]).toEqual([0, 0])
      stop()
      expect(failures).toEqual([
        ['PAYLOAD_INVALID', -1],
        ['DELIVERY_TIMED_OUT', 0],
      ])
    })

    test('have another after 64 of them, or 64 KiB', () => {
      const { producer, driver } = createTestProducer(new OrderPlaced(), {
        maxMessageBytes: 100_000,
        limits: { queueMaxMessages: 1000 },
      })
      for (let id = 0; id < 65; id++) producer.dispatch({ id: String(id) })
      expect(settlements(driver)).toBe(2)
      for (const bytes of [40_000, 40_000, 10, 70_000]) producer.dispatch({ id: 'x'.repeat(bytes) })
      expect(settlements(driver)).toBe(4)
      expect(producer.ledger.started).toBe(69)
    })

    test('have none in common with those before a flush', () => {
      const { producer, client, driver } = createTestProducer()
      producer.dispatch({ id: '1' })
      void client.flush()
      producer.dispatch({ id: '2' })
      expect(settlements(driver)).toBe(2)
    })

    test.each(['message.sent', 'message.acknowledged'] as const)(
      'have one each where somebody listens to %s, who hears the bytes of each',
      (event) => {
        const heard: number[] = []
        const stop = subscribe(event, ({ bytes }: { readonly bytes: number }) => void heard.push(bytes))
        const { producer, driver } = createTestProducer()
        for (const id of ['1', '22', '333']) producer.dispatch({ id })
        driver.settle(3)
        stop()
        expect(settlements(driver)).toBe(3)
        expect(heard).toEqual([10, 11, 12])
      },
    )

    test('wait in the line when there is no room, in their order', () => {
      const { producer, driver } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 2 } })
      for (const id of ['1', '2', '3', '4']) producer.dispatch({ id })
      expect(driver.taken).toHaveLength(2)
      while (driver.settle(1));
      expect(driver.values).toEqual(['1', '2', '3', '4'].map((id) => `{"id":"${id}"}`))
      expect(producer.ledger).toMatchObject({ started: 4, acknowledged: 4 })
    })

    test('may be dispatched by a hook of one of them', () => {
      class Chained extends ProducerManifest<Order> {
        readonly topic = 'orders'
        override headers({ id }: Order): undefined {
          if (id === '1') producer.dispatch({ id: '2' })
        }
      }
      const { producer, driver } = createTestProducer(new Chained())
      producer.dispatch({ id: '1' })
      expect(driver.values).toEqual(['{"id":"2"}', '{"id":"1"}'])
      while (driver.settle(1));
      expect(producer.ledger).toMatchObject({ started: 2, acknowledged: 2 })
    })
  })
})

describe('sendMany', () => {
  const orders = (count: number): Order[] => Array.from({ length: count }, (_, index) => ({ id: String(index) }))

  test('sends in order and resolves with the reports by index', async () => {
    const { producer, driver } = createTestProducer()
    const sent = producer.sendMany(orders(3))
    expect(driver.values).toEqual(['{"id":"0"}', '{"id":"1"}', '{"id":"2"}'])
    driver.settle(3)
    expect((await sent).map(({ offset }) => offset)).toEqual([3, 4, 5])
  })

  test('nothing to send is done at once', async () => {
    expect(await createTestProducer().producer.sendMany([])).toEqual([])
  })

  test('a bad payload fails alone, and is named by its index', async () => {
    const { producer, driver } = createTestProducer()
    const sent = producer.sendMany([{ id: '0' }, null as unknown as Order, { id: '2' }])
    driver.settle(2)
    const { failures, reports } = await catchRejection(sent)
    expect(failures).toMatchObject([{ index: 1, error: { code: 'PAYLOAD_INVALID' } }])
    expect(reports).toMatchObject([{ topic: 'orders' }, undefined, { topic: 'orders' }])
  })

  test('waits for room instead of filling the line in which others wait', async () => {
    const { producer, driver, client } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 2 } })
    const sent = producer.sendMany(orders(6))
    expect([client.pending, producer.isHandingOver]).toEqual([2, true])
    const handedOver = producer.handedOver()
    while (driver.taken.length < 6) {
      driver.settle(1)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await handedOver
    expect(producer.isHandingOver).toBe(false)
    driver.settle(2)
    expect(await sent).toHaveLength(6)
  })

  test('when no room comes in time, the message that waited and all after it fail with QUEUE_FULL', async () => {
    const limits = { queueMaxMessages: 1, queueTimeoutMs: 1 }
    const { producer, client, driver } = createTestProducer(new OrderPlaced(), { limits })
    const asked = vi.spyOn(client, 'room')
    const sent = producer.sendMany(orders(3))
    void sent.catch(() => undefined)
    await eventually(() => expect(producer.ledger.failed).toBe(2))
    // Not again for each of the rest: nobody would wait in the places they took in the line.
    expect(asked).toHaveBeenCalledTimes(2)
    driver.settle(1)
    await expect(sent).rejects.toMatchObject({
      failures: [
        { index: 1, error: { code: 'QUEUE_FULL' } },
        { index: 2, error: { code: 'QUEUE_FULL' } },
      ],
    })
  })

  test('an abort ends the wait for room: what waited is not sent', async () => {
    const { producer, driver } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 1 } })
    const controller = new AbortController()
    const sent = producer.sendMany(orders(3), { signal: controller.signal })
    controller.abort()
    await expect(sent).rejects.toMatchObject({
      failures: [
        { error: { code: 'SEND_ABANDONED' } },
        { error: { code: 'SEND_ABORTED' } },
        { error: { code: 'SEND_ABORTED' } },
      ],
    })
    expect(driver.taken).toHaveLength(1)
  })

  test('a long list lets other work in now and then', async () => {
    const { producer, driver } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 10_000 } })
    const sent = producer.sendMany(orders(2500))
    expect(driver.taken).toHaveLength(1000)
    await producer.handedOver()
    expect(driver.taken).toHaveLength(2500)
    driver.settle(2500)
    expect(await sent).toHaveLength(2500)
  })

  test('without room for queueTimeoutMs the rest fails with QUEUE_FULL, not_sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { producer, driver } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 1 } })
    const sent = catchRejection(producer.sendMany(orders(2)))
    await vi.advanceTimersByTimeAsync(5000)
    driver.settle(1)
    const { failures } = await sent
    expect(failures).toMatchObject([{ index: 1, error: { code: 'QUEUE_FULL', outcome: 'not_sent' } }])
  })

  test.each<[payloads: unknown, options: object, option: string]>([
    ['abc', {}, 'payloads'],
    [new Set(), {}, 'payloads'],
    [[{ id: '1' }], { key: 'x' }, 'key'],
  ])('%o with %o is refused as a whole', async (payloads, options, option) => {
    const { producer, driver } = createTestProducer()
    const error = await catchRejection(producer.sendMany(payloads as Order[], options))
    expect(error.message).toContain(`Send option ${option} of OrderPlaced`)
    expect(driver.taken).toEqual([])
  })
})

describe('the event message.sent', () => {
  test('tells the size of what went on its way', () => {
    const heard: unknown[] = []
    const stop = subscribe('message.sent', (payload) => void heard.push(payload))
    const { producer } = createTestProducer()
    void producer.send({ id: '1' }, { key: 'abc' })
    stop()
    expect(heard).toEqual([
      { instance: 'instance', manifest: 'OrderPlaced', topic: 'orders', bytes: '{"id":"1"}'.length + 3 },
    ])
  })

  test('is told of what was handed over, not of what waits or was refused', async () => {
    const heard: unknown[] = []
    const stop = subscribe('message.sent', (payload) => void heard.push(payload))
    const { producer, driver } = createTestProducer(new OrderPlaced(), { limits: { queueMaxMessages: 1 } })
    const accepted = [producer.send({ id: 'taken' }), producer.send({ id: 'waiting' })]
    expect(await catchRejection(producer.send({ id: 'refused' }))).toMatchObject({ code: 'QUEUE_FULL' })
    await catchRejection(producer.send(null as unknown as Order))
    expect(heard).toHaveLength(1)
    while (driver.settle(1));
    await Promise.all(accepted)
    stop()
    expect(heard).toHaveLength(2)
  })
})

test('a producer knows its client', () => {
  const { producer, client } = createTestProducer()
  expect([producer.uses(client), producer.uses(createTestProducer().client)]).toEqual([true, false])
})

describe('the time of encoding', () => {
  test('is told for the first message and every 16th after it', async () => {
    const { producer, driver } = createTestProducer()
    const heard: EventPayloads['message.encoded'][] = []
    const stop = subscribe('message.encoded', (payload) => void heard.push(payload))
    const sent = Array.from({ length: 33 }, (_, index) => producer.send({ id: `${index}` }))
    stop()
    driver.settle(33)
    await Promise.all(sent)
    expect(heard).toHaveLength(3)
    expect(heard[0]).toEqual({
      instance: 'instance',
      manifest: 'OrderPlaced',
      topic: 'orders',
      bytes: '{"id":"0"}'.length,
      durationMs: expect.any(Number),
    })
  })

  test('is told when the bytes are handed over: a listener may send a message itself', async () => {
    const { producer, driver } = createTestProducer()
    const more: Promise<unknown>[] = []
    const stop = subscribe('message.encoded', () => void more.push(producer.send({ id: 'second' })))
    const sent = producer.send({ id: 'first' })
    stop()
    expect(driver.values).toEqual(['{"id":"first"}', '{"id":"second"}'])
    driver.settle(2)
    await Promise.all([sent, ...more])
  })

  test('is not taken while nobody listens', async () => {
    const { producer, driver } = createTestProducer()
    const clock = vi.spyOn(performance, 'now')
    const sent = producer.send({ id: '1' })
    expect(clock).not.toHaveBeenCalled()
    driver.settle()
    await sent
  })
})
