import { expect, expectTypeOf, test, vi } from 'vitest'
import { MiddlewareList, runMiddleware, type SendMiddleware } from '../../src/factory/middleware.ts'
import { MessagingError, type OutgoingMessage } from '../../src/index.ts'
import { catchError } from '../catch-error.ts'
import { messagingInMemory, order, OrderPaid, OrderPlaced, type Order } from '../registry/manifests.ts'

const place = { manifest: 'OrderPlaced', topic: 'orders' }

test('runs in the order it was added, for all manifests or for one, and until it is taken out', () => {
  const list = new MiddlewareList()
  const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()]
  const chain = list.of(OrderPlaced)
  expect(chain.list.isEmpty).toBe(true)
  list.add(undefined, first)
  const remove = list.add(OrderPaid, second)
  list.add(undefined, third)
  expect(chain.runs).toEqual([first, third])
  expect(chain.list.isEmpty).toBe(false)
  expect(list.of(OrderPaid).runs).toEqual([first, second, third])
  remove()
  remove()
  expect(list.of(OrderPaid).runs).toEqual([first, third])
})

test('each sees what the one before it left, and what the caller gave is not changed', () => {
  const options = { headers: { a: '1' }, partition: 1 }
  const seen: unknown[] = []
  const runs: SendMiddleware[] = [
    (message) => {
      message.headers.push(['b', '2'])
      message.key = 'k'
      message.payload = { id: 'changed' }
    },
    (message) => seen.push({ ...message }),
    (message) => {
      message.partition = undefined
    },
  ]
  const result = runMiddleware(runs, place, { payload: { id: 'given' }, options }, false)
  const headers = [
    ['a', Buffer.from('1')],
    ['b', '2'],
  ]
  const payload = { id: 'changed' }
  expect(seen).toEqual([
    { ...place, isTombstone: false, payload, key: 'k', headers, partition: 1, timestamp: undefined },
  ])
  expect(result).toEqual({ payload, options: { key: 'k', headers, partition: undefined, timestamp: undefined } })
  expect(options).toEqual({ headers: { a: '1' }, partition: 1 })
})

test('what it throws refuses the message: its own MessagingError as it is, anything else with its name and as cause', () => {
  const cause = new Error('no tenant')
  function addTenant(): void {
    throw cause
  }
  const error = catchError(() => runMiddleware([addTenant], place, { payload: 1, options: {} }, false))
  expect(error).toMatchObject({ code: 'MIDDLEWARE_FAILED', ...place, outcome: 'not_sent', cause })
  expect(error.message).toBe('Middleware addTenant failed for OrderPlaced.')
  const own = new MessagingError('SEND_ABORTED', { manifest: 'OrderPlaced' })
  const refuse = (): void => {
    throw own
  }
  expect(catchError(() => runMiddleware([refuse], place, { payload: 1, options: {} }, false))).toBe(own)
})

test('a promise is refused, since nothing waits for it', () => {
  const later = (): Promise<never> => Promise.reject(new Error('late'))
  const error = catchError(() => runMiddleware([later], place, { payload: 1, options: {} }, false))
  expect(error.message).toBe('Middleware later failed for OrderPlaced: it returns a promise, and is not awaited.')
})

test('changes what is sent, once for each message of every kind of send, also while the producer is built', async () => {
  await using messaging = messagingInMemory()
  const { registry, driver } = messaging
  const seen: unknown[] = []
  registry.use(OrderPlaced, (message) => {
    expectTypeOf(message).toEqualTypeOf<OutgoingMessage<Order>>()
    seen.push(message.isTombstone ? null : message.payload.id)
    if (!message.isTombstone) message.payload = { ...message.payload, total: 1 }
    message.headers.push(['tenant', 'berlin'])
  })
  await Promise.all([
    registry.send(OrderPlaced, order, { headers: { a: '1' } }),
    registry.sendMany(OrderPlaced, [order, order]),
    registry.tombstone(OrderPlaced, 'order-1'),
    registry.send(OrderPaid, order),
  ])
  registry.dispatch(OrderPlaced, order)
  await registry.flush()
  expect(seen).toEqual(['order-1', 'order-1', 'order-1', null, 'order-1'])
  const records = driver.records('orders.placed')
  for (const { headers, value } of records) {
    expect(headers.at(-1)).toEqual(['tenant', Buffer.from('berlin')])
    if (value !== null) expect(JSON.parse(value.toString())).toEqual({ id: 'order-1', total: 1 })
  }
  expect(driver.records('orders.paid')[0]!.headers).toEqual([])
})

test('a message that is refused fails alone, and a suppressed one is not seen', async () => {
  await using messaging = messagingInMemory()
  const { registry } = messaging
  const run = vi.fn((message: OutgoingMessage) => {
    if ((message.payload as Order).total < 0) throw new Error('negative')
  })
  registry.use(run)
  const sent = registry.sendMany(OrderPlaced, [order, { id: 'bad', total: -1 }, order])
  await expect(sent).rejects.toMatchObject({ failures: [{ index: 1, error: { code: 'MIDDLEWARE_FAILED' } }] })
  await registry.disable(() => registry.send(OrderPlaced, order))
  expect(run).toHaveBeenCalledTimes(3)
})

test('refuses what is no function', () => {
  const { registry } = messagingInMemory()
  expect(catchError(() => registry.use(OrderPlaced as never)).code).toBe('INPUT_INVALID')
  expect(catchError(() => registry.use(Date as never, () => undefined)).code).toBe('MANIFEST_UNKNOWN')
})
