import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createMessaging, subscribe, type EventPayloads, type MessagingOptions } from '../../../src/index.ts'
import { startMockCluster, type MockCluster } from '../../../src/testing.ts'
import { order, OrderPlaced } from '../../registry/manifests.ts'

/** What test/contract does not ask, because it is about librdkafka alone. */
describe('confluent driver', () => {
  let cluster: MockCluster
  let options: MessagingOptions

  beforeAll(async () => {
    cluster = await startMockCluster()
    options = { brokers: cluster.brokers }
  })
  afterAll(() => cluster.close())

  test('a pass-through option that librdkafka does not know is refused in its own words', async () => {
    await using messaging = createMessaging({ ...options, driverOptions: { confluent: { 'no.such.property': 1 } } }, {})
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
      code: 'DRIVER_OPTION_INVALID',
      outcome: 'not_sent',
      message: expect.stringContaining('no.such.property') as string,
    })
  })

  test('pass-through options win over ours', async () => {
    // One message in librdkafka's own queue instead of 100,000: each further one meets "queue full" and waits its turn.
    const tiny = { confluent: { 'queue.buffering.max.messages': 1 } }
    await using messaging = createMessaging({ ...options, topicPrefix: 'tiny.', driverOptions: tiny }, {})
    const { registry } = messaging
    await registry.send(OrderPlaced, order)
    const reports = await Promise.all(Array.from({ length: 200 }, () => registry.send(OrderPlaced, order)))
    expect(reports.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  })

  test('with acks 0 the broker says no offset', async () => {
    await using messaging = createMessaging({ ...options, topicPrefix: 'unconfirmed.', producer: { acks: 0 } }, {})
    expect(await messaging.registry.send(OrderPlaced, order)).toMatchObject({ offset: -1 })
  })

  test('nobody at the address: BROKERS_UNREACHABLE, naming address and patience', async () => {
    await using messaging = createMessaging({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 300 }, {})
    await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
      code: 'BROKERS_UNREACHABLE',
      retriable: true,
      outcome: 'not_sent',
      message: expect.stringMatching(/127\.0\.0\.1:1 within connectTimeoutMs \(300 ms\)/) as string,
    })
  })

  describe('when the brokers go away', () => {
    async function sendThenLoseBrokers(more: MessagingOptions) {
      const mortal = await startMockCluster({ brokers: 1 })
      const messaging = createMessaging({ brokers: mortal.brokers, ...more }, {})
      onTestFinished(() => messaging.close())
      await messaging.registry.send(OrderPlaced, order)
      return { messaging, mortal }
    }

    test('a send ends with DELIVERY_TIMED_OUT and an unknown outcome, and the trouble is an event', async () => {
      const errors: EventPayloads['client.errored'][] = []
      onTestFinished(subscribe('client.errored', (payload) => errors.push(payload)))
      const { messaging, mortal } = await sendThenLoseBrokers({ producer: { deliveryTimeoutMs: 500 } })
      await mortal.close()
      await expect(messaging.registry.send(OrderPlaced, order)).rejects.toMatchObject({
        code: 'DELIVERY_TIMED_OUT',
        outcome: 'unknown',
        driverCode: -192,
        topic: 'orders.placed',
        message: expect.stringContaining('_MSG_TIMED_OUT') as string,
      })
      await vi.waitFor(() => expect(errors.map(({ error }) => error.code)).toContain('BROKERS_UNREACHABLE'))
    })

    test('close gives up after closeTimeoutMs and every send has its verdict', async () => {
      const { messaging, mortal } = await sendThenLoseBrokers({ closeTimeoutMs: 300 })
      await mortal.close()
      const sent = Promise.allSettled(Array.from({ length: 100 }, () => messaging.registry.send(OrderPlaced, order)))
      await messaging.close()
      for (const result of await sent) {
        expect(result).toMatchObject({ reason: { code: 'CLOSE_TIMED_OUT', outcome: 'unknown' } })
      }
    })
  })
})
