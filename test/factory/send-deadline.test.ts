import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAbortError, sendInTime } from '../../src/factory/send-deadline.ts'
import type { DriverModule } from '../../src/driver.ts'
import { messagingInMemory, order, OrderPlaced } from '../registry/manifests.ts'

function useFakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

describe('timeoutMs of a send', () => {
  test('while the producer is built: not sent', async () => {
    useFakeTimers()
    const never = Promise.withResolvers<never>()
    const driver: DriverModule = { name: 'slow', needsBrokers: () => false, createDriver: () => never.promise }
    const { registry } = messagingInMemory({ driver })
    const sent = registry.send(OrderPlaced, order, { timeoutMs: 50 })
    vi.advanceTimersByTime(50)
    await expect(sent).rejects.toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'not_sent', retriable: true })
  })

  test('while it waits for room: not sent, also not later', async () => {
    await using messaging = messagingInMemory({ producer: { queueMaxMessages: 1 } })
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    useFakeTimers()
    const release = driver.hold()
    const first = registry.send(OrderPlaced, order)
    const second = registry.send(OrderPlaced, order, { timeoutMs: 50 })
    vi.advanceTimersByTime(50)
    await expect(second).rejects.toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'not_sent' })
    release()
    await first
    await registry.flush()
    expect(driver.records()).toHaveLength(2)
  })

  test('after it was handed over: unknown, and the message still counts as what became of it', async () => {
    await using messaging = messagingInMemory()
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    useFakeTimers()
    const release = driver.hold()
    const sent = registry.send(OrderPlaced, order, { timeoutMs: 50 })
    vi.advanceTimersByTime(50)
    await expect(sent).rejects.toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'unknown' })
    release()
    await registry.flush()
    expect(registry.status().producers[0]).toMatchObject({ acknowledged: 2, failed: 0 })
  })

  test('of a list: each message by what became of it', async () => {
    await using messaging = messagingInMemory({ producer: { queueMaxMessages: 1 } })
    const { registry, driver } = messaging
    await registry.send(OrderPlaced, order)
    useFakeTimers()
    const release = driver.hold()
    const sent = registry.sendMany(OrderPlaced, [order, order], { timeoutMs: 50 })
    vi.advanceTimersByTime(50)
    const outcomes = ['unknown', 'not_sent'].map((outcome, index) => ({
      index,
      error: { code: 'DELIVERY_TIMED_OUT', outcome },
    }))
    await expect(sent).rejects.toMatchObject({ code: 'BATCH_FAILED', failures: outcomes })
    release()
  })

  test.each([0, 1.5, -1, 2 ** 31, '5', Number.NaN])('%s is no time', async (timeoutMs) => {
    await using messaging = messagingInMemory()
    const sent = messaging.registry.send(OrderPlaced, order, { timeoutMs: timeoutMs as number })
    await expect(sent).rejects.toMatchObject({
      code: 'SEND_OPTION_INVALID',
      message: expect.stringContaining('timeoutMs'),
    })
  })
})

describe('sendInTime', () => {
  test('leaves nothing behind once the send has settled', async () => {
    useFakeTimers()
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    expect(await sendInTime({ timeoutMs: 50, signal }, () => Promise.resolve('sent'))).toBe('sent')
    expect(vi.getTimerCount()).toBe(0)
    expect(removed).toHaveBeenCalledOnce()
    await expect(sendInTime({ timeoutMs: 50 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each(['before', 'after'])('passes on an abort of the caller made %s the send, as what it is', async (when) => {
    useFakeTimers()
    const controller = new AbortController()
    const reason = new Error('enough')
    if (when === 'before') controller.abort(reason)
    let given: AbortSignal | undefined
    const sent = sendInTime({ timeoutMs: 50, signal: controller.signal }, (options) => {
      given = options?.signal
      return Promise.resolve()
    })
    controller.abort(reason)
    expect(createAbortError('SEND_ABORTED', given, { manifest: 'M' })).toMatchObject({
      code: 'SEND_ABORTED',
      cause: reason,
    })
    await sent
  })

  test('without a time changes nothing', async () => {
    const options = { headers: { a: '1' } }
    const given: unknown[] = []
    await sendInTime(options, (passed) => Promise.resolve(given.push(passed)))
    await sendInTime(undefined, (passed) => Promise.resolve(given.push(passed)))
    expect(given[0]).toBe(options)
    expect(given[1]).toBeUndefined()
  })
})
