import { describe, expect, test } from 'vitest'
import { holdTime, startSender, texts } from './start-sender.ts'

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
    const pass = holdTime()
    const { send, next } = startSender({ deliveryTimeoutMs: 50 })
    const lost = send('a')
    const first = await next()
    pass(50)
    expect(await lost).toMatchObject({ failure: { code: 'DELIVERY_TIMED_OUT', outcome: 'unknown' } })
    const later = send('b')
    first.answer(new Error('Connection closed'))
    const second = await next()
    expect(second.batches['orders/0']).toMatchObject({ producerId: 2n, sequence: 0 })
    second.answer({ 'orders/0': { offset: 9 } })
    expect(await later).toMatchObject({ offset: 9 })
  })

  test('what was given up and stored all the same counts', async () => {
    const pass = holdTime()
    const { send, next } = startSender({ deliveryTimeoutMs: 50 })
    const late = send('a')
    const first = await next()
    pass(50)
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

test('a batch that cannot be compressed fails, and the next one is tried', async () => {
  const outOfMemory = (): Buffer => {
    throw new Error('out of memory')
  }
  const { send } = startSender({}, 0, {
    bitmask: 1,
    available: true,
    compressSync: outOfMemory,
    decompressSync: outOfMemory,
  })
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

describe('brokers that are not there', () => {
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
})
