import { describe, expect, test, vi } from 'vitest'
import { Client } from '../../src/driver/client.ts'
import { BatchResult } from '../../src/factory/batch-result.ts'
import { BatchDelivery, DispatchDelivery, SendDelivery, type MessageDelivery } from '../../src/factory/deliveries.ts'
import type { DeliveryReport } from '../../src/factory/delivery-report.ts'
import { ProducerLedger } from '../../src/factory/producer-ledger.ts'
import { catchRejection } from '../catch-error.ts'
import { createMessage, FakeDriver } from '../driver/fake-driver.ts'

/** A client with room for one message, so that the second one waits. */
function createParts() {
  const ledger = new ProducerLedger('M', 'orders', 'instance')
  const driver = new FakeDriver()
  const client = new Client(driver, { queueMaxMessages: 1, queueMaxBytes: 100, queueTimeoutMs: 1000 })
  const produce = (delivery: MessageDelivery): void => {
    delivery.start()
    client.produce(createMessage('x'), delivery, 1)
  }
  const send = (signal?: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<DeliveryReport>()
    const delivery = new SendDelivery(ledger, signal, resolve, reject)
    return { delivery, promise }
  }
  return { ledger, driver, client, produce, send }
}

test('a send resolves with what the broker said', async () => {
  const { ledger, driver, produce, send } = createParts()
  const { delivery, promise } = send()
  produce(delivery)
  driver.settle(1)
  expect(await promise).toEqual({ topic: 'orders', partition: 0, offset: 1, timestamp: -1 })
  expect(ledger).toMatchObject({ started: 1, acknowledged: 1, failed: 0 })
})

test('a send rejects with the failure of the driver, naming manifest and topic', async () => {
  const { ledger, driver, produce, send } = createParts()
  const { delivery, promise } = send()
  produce(delivery)
  driver.settle(1, { code: 'DELIVERY_TIMED_OUT', reason: 'x', driverCode: -192 })
  const error = await catchRejection(promise)
  expect(error).toMatchObject({ code: 'DELIVERY_TIMED_OUT', manifest: 'M', topic: 'orders', driverCode: -192 })
  expect(ledger).toMatchObject({ started: 1, acknowledged: 0, failed: 1, lastError: error })
})

test('each of a batch tells it at its own index', async () => {
  const { ledger, driver, produce } = createParts()
  const batch = new BatchResult('M', 'orders', 2)
  for (const index of [1, 0]) produce(new BatchDelivery(ledger, undefined, batch, index))
  driver.settle(1)
  driver.settle(1, { code: 'DRIVER_FAILED', reason: 'x' })
  const { failures, reports } = await catchRejection(batch.promise)
  expect(failures!.map(({ index }) => index)).toEqual([0])
  expect(reports).toMatchObject([undefined, { offset: 1 }])
})

test('a dispatched message that fails is an event, since nobody waits for it', () => {
  const { ledger, driver, produce } = createParts()
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  produce(new DispatchDelivery(ledger, undefined))
  driver.settle(1, { code: 'DRIVER_FAILED', reason: 'x' })
  expect(ledger.failed).toBe(1)
  expect(emitWarning).toHaveBeenCalledOnce()
  emitWarning.mockRestore()
})

describe('a signal', () => {
  test('that has aborted before anything fails the send at once', async () => {
    const { ledger, driver, send } = createParts()
    const { delivery, promise } = send(AbortSignal.abort(new Error('too late')))
    expect(delivery.abortIfSignalled()).toBe(true)
    const error = await catchRejection(promise)
    expect(error).toMatchObject({ code: 'SEND_ABORTED', outcome: 'not_sent', cause: { message: 'too late' } })
    expect([driver.taken.length, ledger.failed]).toEqual([0, 1])
  })

  test('that has not aborted stops nothing', () => {
    const { send } = createParts()
    expect(send(new AbortController().signal).delivery.abortIfSignalled()).toBe(false)
    expect(send().delivery.abortIfSignalled()).toBe(false)
  })

  test('takes back a message that still waits for room: it is never sent', async () => {
    const { ledger, driver, client, produce, send } = createParts()
    const controller = new AbortController()
    const [first, second] = [send(), send(controller.signal)]
    produce(first.delivery)
    produce(second.delivery)
    controller.abort()
    expect(await catchRejection(second.promise)).toMatchObject({ code: 'SEND_ABORTED', outcome: 'not_sent' })
    driver.settle(1)
    await first.promise
    expect([driver.taken.length, client.pending]).toEqual([1, 0])
    expect(ledger).toMatchObject({ acknowledged: 1, failed: 1 })
  })

  test('only frees the caller of one that was handed over; the ledger still hears how it ended', async () => {
    const { ledger, driver, client, produce, send } = createParts()
    const controller = new AbortController()
    const { delivery, promise } = send(controller.signal)
    produce(delivery)
    controller.abort()
    expect(await catchRejection(promise)).toMatchObject({ code: 'SEND_ABANDONED', outcome: 'unknown' })
    expect([client.pending, ledger.acknowledged, ledger.failed]).toEqual([1, 0, 0])
    driver.settle(1)
    expect([client.pending, ledger.acknowledged, ledger.failed]).toEqual([0, 1, 0])
  })

  test.each([null, { code: 'DRIVER_FAILED', reason: 'x' } as const])(
    'that frees one of a batch counts it as failed once, though the driver then says %o',
    async (verdict) => {
      const { ledger, driver, produce } = createParts()
      const controller = new AbortController()
      const batch = new BatchResult('M', 'orders', 2)
      produce(new BatchDelivery(ledger, controller.signal, batch, 0))
      produce(new BatchDelivery(ledger, undefined, batch, 1))
      controller.abort()
      driver.settle(1, verdict)
      driver.settle(1)
      const { failures, reports } = await catchRejection(batch.promise)
      expect(failures).toMatchObject([{ index: 0, error: { code: 'SEND_ABANDONED' } }])
      expect(reports).toMatchObject([undefined, { offset: 2 }])
    },
  )

  test('keeps no listener of a message that is settled, so that one signal may serve many', async () => {
    const { driver, produce, send } = createParts()
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const { delivery, promise } = send(signal)
    produce(delivery)
    driver.settle(1)
    await promise
    expect(added).toHaveBeenCalledOnce()
    expect(removed.mock.calls.map((call) => call.slice(0, 2))).toEqual(added.mock.calls.map((call) => call.slice(0, 2)))
  })
})
