import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ClientProfile, DriverFailure, DriverMessage, Settlement } from '../../../src/driver/driver.ts'
import { BrokerCounts } from '../../../src/driver/platformatic/broker-counts.ts'
import type { TopicMetadata } from '../../../src/driver/platformatic/cluster.ts'
import { normalizeLibraryError, normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import {
  loadPlatformaticModule,
  type LibraryCallback,
  type LibraryCompression,
  type LibraryError,
  type PlatformaticModule,
} from '../../../src/driver/platformatic/platformatic-module.ts'
import { RecordSender, type SenderConnection } from '../../../src/driver/platformatic/record-sender.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'
import { readBatch, type ReadBatch } from './read-batch.ts'

let library: PlatformaticModule

beforeAll(async () => {
  library = await loadPlatformaticModule()
})

interface Request {
  readonly nodeId: number
  readonly acks: number
  /** By topic and partition: `orders/0`. */
  readonly batches: Readonly<Record<string, ReadBatch>>
  /** Offsets or error numbers by topic and partition; an Error for no answer at all. */
  answer(answers: Readonly<Record<string, { offset: number } | { error: number; blamed?: number[] }>> | Error): void
}

interface Settled {
  failure: DriverFailure | null
  partition: number
  offset: number
  timestamp: number
}

/** A sender whose brokers do what the test says. */
function startSender(profile: Partial<ClientProfile> = {}, topicPropagationMs = 0, compression?: LibraryCompression) {
  const metadata = new Map<string, TopicMetadata>([['orders', { errorCode: 0, leaders: [1, 1, 2] }]])
  const requests: Request[] = []
  const failures: DriverFailure[] = []
  const closed = new Set<number>()
  let arrived = Promise.withResolvers<void>()
  let identities = 1n
  const connectionTo = (nodeId: number): SenderConnection | undefined =>
    closed.has(nodeId)
      ? undefined
      : {
          produce(acks, _timeoutMs, topics, callback) {
            requests.push(createRequest(nodeId, acks, topics, callback))
            arrived.resolve()
            arrived = Promise.withResolvers()
          },
        }
  const sender = new RecordSender({
    library,
    cluster: {
      metadata: (topics) => Promise.resolve(new Map(topics.map((topic) => [topic, metadata.get(topic)!]))),
      identify: () => Promise.resolve({ producerId: ++identities, epoch: 0 }),
      failureOf: (error) => normalizeLibraryError(library, error as LibraryError),
      failureOfNumber: (number, detail) => normalizeProtocolError(library, number, detail),
      connectionTo,
      open: (nodeId) => (closed.has(nodeId) ? Promise.reject(new Error('refused')) : Promise.resolve()),
    },
    options: createDriverOptions({
      profile: { ...defaultProfile, ...profile },
      onFailure: (failure) => failures.push(failure),
    }),
    compression,
    identity: profile.idempotence === false ? undefined : { producerId: 1n, epoch: 0 },
    counts: new BrokerCounts(),
    topicPropagationMs,
  })
  onTestFinished(() => sender.close())
  return {
    sender,
    metadata,
    failures,
    closed,
    /** The next request, when it is there. */
    next: async (): Promise<Request> => {
      while (requests.length === 0) await arrived.promise
      return requests.shift()!
    },
    requests,
    send: (text: string, message: Partial<DriverMessage> = {}): Promise<Settled> => {
      const { promise, resolve } = Promise.withResolvers<Settled>()
      const settlement: Settlement = {
        settle: (failure, partition, offset, timestamp) => resolve({ failure, partition, offset, timestamp }),
      }
      const whole = { topic: 'orders', key: null, headers: undefined, partition: 0, timestamp: 1000, ...message }
      sender.produce({ value: Buffer.from(text), ...whole }, settlement)
      return promise
    },
  }
}

function createRequest(
  nodeId: number,
  acks: number,
  topics: Parameters<SenderConnection['produce']>[2],
  callback: LibraryCallback,
): Request {
  const batches = Object.fromEntries(
    topics.flatMap(([topic, sealed]) =>
      sealed.map(({ partition, payload }) => [`${topic}/${partition}`, readBatch(payload)]),
    ),
  )
  return {
    nodeId,
    acks,
    batches,
    answer(answers) {
      if (answers instanceof Error) return callback(answers)
      const responses = Object.entries(answers).map(([place, answer]) => {
        const [name, index] = place.split('/') as [string, string]
        const errorCode = 'error' in answer ? answer.error : 0
        const recordErrors = ('blamed' in answer ? (answer.blamed ?? []) : []).map((batchIndex) => ({ batchIndex }))
        const baseOffset = 'offset' in answer ? BigInt(answer.offset) : -1n
        const partition = { index: Number(index), errorCode, baseOffset, logAppendTimeMs: -1n, recordErrors }
        return { name, partitionResponses: [partition] }
      })
      callback(null, { responses })
    },
  }
}

const texts = (batch: ReadBatch | undefined) => batch?.records.map(({ value }) => value?.toString())

describe('gathering', () => {
  test('a lone message leaves at once; what comes while it is on the wire goes together, in order', async () => {
    const { send, next, requests } = startSender()
    const first = send('a')
    const request = await next()
    const others = ['b', 'c', 'd'].map((text) => send(text))
    await new Promise(setImmediate)
    expect(requests).toHaveLength(0)
    request.answer({ 'orders/0': { offset: 7 } })
    const second = await next()
    expect(texts(second.batches['orders/0'])).toEqual(['b', 'c', 'd'])
    second.answer({ 'orders/0': { offset: 8 } })
    expect(await first).toEqual({ failure: null, partition: 0, offset: 7, timestamp: 1000 })
    expect((await Promise.all(others)).map(({ offset }) => offset)).toEqual([8, 9, 10])
  })

  test('partitions of one broker share a request, those of another have their own', async () => {
    const { send, next } = startSender()
    void Promise.all([send('a', { partition: 0 }), send('b', { partition: 1 }), send('c', { partition: 2 })])
    const [first, second] = [await next(), await next()]
    expect([first.nodeId, Object.keys(first.batches)]).toEqual([1, ['orders/0', 'orders/1']])
    expect([second.nodeId, Object.keys(second.batches)]).toEqual([2, ['orders/2']])
  })

  test('a broker has no more than maxInFlight requests at a time', async () => {
    const { send, next, requests } = startSender({ maxInFlight: 1 })
    void send('a', { partition: 0 })
    const first = await next()
    void send('b', { partition: 1 })
    await new Promise(setImmediate)
    expect(requests).toHaveLength(0)
    first.answer({ 'orders/0': { offset: 0 } })
    expect(Object.keys((await next()).batches)).toEqual(['orders/1'])
  })

  test('a batch is no larger than a broker has to take', async () => {
    const { send, next } = startSender({ maxMessageBytes: 1000 })
    void Promise.all([send('x'.repeat(900)), send('y'.repeat(900)), send('z'.repeat(900))])
    const first = await next()
    expect(first.batches['orders/0']?.records).toHaveLength(2)
    first.answer({ 'orders/0': { offset: 0 } })
    expect(texts((await next()).batches['orders/0'])).toEqual(['z'.repeat(900)])
  })

  test('without a partition a message waits until the topic is known, its value kept', async () => {
    const { sender, next } = startSender()
    const value = Buffer.from('kept')
    sender.produce(
      { topic: 'orders', value, key: null, headers: undefined, partition: 0, timestamp: 0 },
      { settle: () => undefined },
    )
    value.fill(0)
    expect(texts((await next()).batches['orders/0'])).toEqual(['kept'])
  })
})

describe('numbers for brokers that drop duplicates', () => {
  test('continue from batch to batch, and count each partition by itself', async () => {
    const { send, next } = startSender()
    void Promise.all([send('a'), send('b'), send('other', { partition: 1 })])
    const first = await next()
    expect(first.batches['orders/0']).toMatchObject({ producerId: 1n, epoch: 0, sequence: 0 })
    first.answer({ 'orders/0': { offset: 0 }, 'orders/1': { offset: 0 } })
    void Promise.all([send('c'), send('other', { partition: 1 })])
    const second = await next()
    expect(second.batches['orders/0']).toMatchObject({ sequence: 2 })
    expect(second.batches['orders/1']).toMatchObject({ sequence: 1 })
  })

  test('a retry without an answer repeats them, and nothing overtakes it', async () => {
    const { send, next, failures } = startSender()
    const sent = send('a')
    const first = await next()
    const later = send('b')
    first.answer(new Error('Connection closed'))
    const again = await next()
    expect(again.batches).toEqual(first.batches)
    expect(failures).toMatchObject([{ code: 'BROKERS_UNREACHABLE' }])
    again.answer({ 'orders/0': { offset: 3 } })
    expect(await sent).toMatchObject({ failure: null, offset: 3 })
    const after = await next()
    expect(after.batches['orders/0']).toMatchObject({ sequence: 1 })
    after.answer({ 'orders/0': { offset: 4 } })
    expect(await later).toMatchObject({ offset: 4 })
  })

  test('what the broker knows as a duplicate is stored, at an unknown place', async () => {
    const { send, next } = startSender()
    const sent = send('a')
    ;(await next()).answer({ 'orders/0': { error: 46 } })
    expect(await sent).toEqual({ failure: null, partition: 0, offset: -1, timestamp: 1000 })
  })

  test('a refused batch leaves no hole in them', async () => {
    const { send, next } = startSender()
    const refused = send('a')
    ;(await next()).answer({ 'orders/0': { error: 87 } })
    expect(await refused).toMatchObject({ failure: { code: 'BROKER_REJECTED', driverCode: 87 } })
    void send('b')
    expect((await next()).batches['orders/0']).toMatchObject({ producerId: 1n, sequence: 0 })
  })

  test('what was given up without an answer makes the partition start anew', async () => {
    const { send, next } = startSender({ deliveryTimeoutMs: 50 })
    const lost = send('a')
    const first = await next()
    expect(await lost).toMatchObject({ failure: { code: 'DELIVERY_TIMED_OUT', outcome: 'unknown' } })
    const later = send('b')
    first.answer(new Error('Connection closed'))
    const second = await next()
    expect(second.batches['orders/0']).toMatchObject({ producerId: 2n, sequence: 0 })
    second.answer({ 'orders/0': { offset: 9 } })
    expect(await later).toMatchObject({ offset: 9 })
  })

  test('what was given up and stored all the same counts', async () => {
    const { send, next } = startSender({ deliveryTimeoutMs: 50 })
    const late = send('a')
    const first = await next()
    await late
    void send('b')
    first.answer({ 'orders/0': { offset: 0 } })
    expect((await next()).batches['orders/0']).toMatchObject({ producerId: 1n, sequence: 1 })
  })

  test.each([45, 47, 59])('error %i is the end of the client', async (error) => {
    const { send, next, failures } = startSender()
    const sent = send('a')
    ;(await next()).answer({ 'orders/0': { error } })
    expect(await sent).toMatchObject({ failure: { fatal: true, driverCode: error } })
    expect(failures).toMatchObject([{ fatal: true, driverCode: error }])
  })

  test('are not used without idempotence', async () => {
    const { send, next } = startSender({ idempotence: false })
    void send('a')
    expect((await next()).batches['orders/0']).toMatchObject({ producerId: -1n, epoch: -1, sequence: -1 })
  })
})

describe('what brokers refuse', () => {
  test('of a batch that is too large all that is not is stored', async () => {
    const { send, next } = startSender()
    const sent = ['a', 'b', 'large', 'c'].map((text) => send(text))
    const asked: (string[] | undefined)[] = []
    let offset = 0
    for (;;) {
      const request = await next()
      const batch = request.batches['orders/0']!
      asked.push(texts(batch) as string[])
      if (texts(batch)!.includes('large')) request.answer({ 'orders/0': { error: 10 } })
      else {
        request.answer({ 'orders/0': { offset } })
        offset += batch.records.length
      }
      if (offset === 3) break
    }
    expect(asked).toEqual([['a', 'b', 'large', 'c'], ['a', 'b'], ['large', 'c'], ['large'], ['c']])
    const settled = await Promise.all(sent)
    expect(settled.map(({ failure, offset }) => failure?.code ?? offset)).toEqual([0, 1, 'MESSAGE_TOO_LARGE', 2])
    expect(settled[2]!.failure).toMatchObject({ outcome: 'rejected', driverCode: 10 })
  })

  test('records that the broker names fail, their neighbours go again', async () => {
    const { send, next } = startSender()
    const sent = ['a', 'bad', 'b'].map((text) => send(text))
    ;(await next()).answer({ 'orders/0': { error: 87, blamed: [1] } })
    const again = await next()
    expect(texts(again.batches['orders/0'])).toEqual(['a', 'b'])
    expect(again.batches['orders/0']!.records.map(({ offsetDelta }) => offsetDelta)).toEqual([0, 1])
    again.answer({ 'orders/0': { offset: 5 } })
    const settled = await Promise.all(sent)
    expect(settled.map(({ failure, offset }) => failure?.code ?? offset)).toEqual([5, 'BROKER_REJECTED', 6])
  })

  test('another leader gets what the old one refuses', async () => {
    const { send, next, metadata } = startSender()
    const sent = send('a')
    const first = await next()
    metadata.set('orders', { errorCode: 0, leaders: [2, 1, 2] })
    first.answer({ 'orders/0': { error: 6 } })
    const second = await next()
    expect(second.nodeId).toBe(2)
    second.answer({ 'orders/0': { offset: 0 } })
    expect(await sent).toMatchObject({ failure: null })
  })

  test('a refusal that outlives the delivery timeout says that nothing was stored', async () => {
    const { send, next, requests } = startSender({ deliveryTimeoutMs: 300 })
    const sent = send('a')
    const refuse = (request: Request): void => request.answer({ 'orders/0': { error: 19 } })
    refuse(await next())
    const watching = setInterval(() => requests.splice(0).forEach(refuse), 5)
    onTestFinished(() => clearInterval(watching))
    const { failure } = await sent
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'rejected' })
    expect(failure?.reason).toContain('NOT_ENOUGH_REPLICAS')
  })

  test('one partition’s trouble is not its neighbour’s', async () => {
    const { send, next } = startSender()
    const [bad, good] = [send('a', { partition: 0 }), send('b', { partition: 1 })]
    ;(await next()).answer({ 'orders/0': { error: 29 }, 'orders/1': { offset: 2 } })
    expect(await bad).toMatchObject({ failure: { code: 'AUTHORIZATION_DENIED' } })
    expect(await good).toMatchObject({ failure: null, offset: 2 })
  })
})

describe('topics and brokers that are not there', () => {
  test('a topic that stays missing is an error, and the next message asks again', async () => {
    const { send, next, metadata } = startSender()
    const gone = { errorCode: 3, leaders: [] }
    metadata.set('late', gone)
    expect(await send('a', { topic: 'late' })).toMatchObject({
      failure: { code: 'TOPIC_NOT_FOUND', outcome: 'not_sent', driverCode: 3 },
    })
    metadata.set('late', { errorCode: 0, leaders: [1] })
    void send('b', { topic: 'late' })
    expect(texts((await next()).batches['late/0'])).toEqual(['b'])
  })

  test('a topic that appears in time gets what waited, in order', async () => {
    const { send, next, metadata } = startSender({}, 60_000)
    metadata.set('late', { errorCode: 3, leaders: [] })
    void Promise.all(['a', 'b', 'c'].map((text) => send(text, { topic: 'late' })))
    await new Promise(setImmediate)
    metadata.set('late', { errorCode: 0, leaders: [1] })
    expect(texts((await next()).batches['late/0'])).toEqual(['a', 'b', 'c'])
  })

  test('a topic one may not write to is an error at once', async () => {
    const { send, metadata } = startSender({}, 60_000)
    metadata.set('secret', { errorCode: 29, leaders: [] })
    expect(await send('a', { topic: 'secret' })).toMatchObject({
      failure: { code: 'AUTHORIZATION_DENIED', outcome: 'not_sent' },
    })
  })

  test('a partition is refused only after asking whether it was added', async () => {
    const { send, next, metadata } = startSender()
    void send('first')
    await next()
    const refused = send('a', { partition: 5 })
    expect(await refused).toMatchObject({ failure: { code: 'PARTITION_NOT_FOUND', outcome: 'not_sent' } })
    metadata.set('orders', { errorCode: 0, leaders: [1, 1, 2, 1, 1, 1] })
    void send('b', { partition: 5 })
    expect(texts((await next()).batches['orders/5'])).toEqual(['b'])
  })

  test('a broker that cannot be reached does not hold up the others, and is tried again', async () => {
    const { send, next, closed } = startSender()
    closed.add(1)
    const waiting = send('a', { partition: 0 })
    void send('b', { partition: 2 })
    expect(Object.keys((await next()).batches)).toEqual(['orders/2'])
    closed.delete(1)
    const request = await next()
    request.answer({ 'orders/0': { offset: 1 } })
    expect(await waiting).toMatchObject({ failure: null, offset: 1 })
  })

  test('what was never on the wire was not sent when its time is over', async () => {
    const { send, closed } = startSender({ deliveryTimeoutMs: 50 })
    closed.add(1)
    const { failure } = await send('a')
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'not_sent' })
    expect(failure?.reason).toContain('last: refused')
  })
})

test('a batch that cannot be compressed fails, and the next one is tried', async () => {
  const outOfMemory = (): Buffer => {
    throw new Error('out of memory')
  }
  const { send } = startSender({}, 0, { bitmask: 1, available: true, compressSync: outOfMemory })
  for (const text of ['a', 'b'])
    expect(await send(text)).toMatchObject({
      failure: { code: 'DRIVER_FAILED', reason: 'out of memory', outcome: 'not_sent' },
    })
})

describe('waiting less or more', () => {
  test('with acks 0 it is enough that it was written', async () => {
    const { send, next } = startSender({ acks: 0, idempotence: false })
    const sent = send('a')
    const request = await next()
    expect(request.acks).toBe(0)
    request.answer({})
    expect(await sent).toEqual({ failure: null, partition: 0, offset: -1, timestamp: 1000 })
  })

  test('what lingers leaves when it is hurried', async () => {
    const { send, next, sender, requests } = startSender({ lingerMs: 60_000 })
    void send('a')
    void send('b')
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(requests).toHaveLength(0)
    sender.hurry()
    expect(texts((await next()).batches['orders/0'])).toEqual(['a', 'b'])
  })

  test('counts what is gathered and not on the wire', async () => {
    const { send, next, sender } = startSender()
    void send('a')
    await next()
    void Promise.all([send('b'), send('c'), send('elsewhere', { partition: 2 })])
    expect([sender.queuedFor(1), sender.queuedFor(2)]).toEqual([2, 1])
  })
})
