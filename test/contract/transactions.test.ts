import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMessaging, ProducerManifest, type Messaging, type MessagingOptions } from '../../src/index.ts'
import { createMemoryDriver, startMockCluster, type MockCluster } from '../../src/testing.ts'

class TextSent extends ProducerManifest<string> {
  topic = 'contract.transactions'
  override readonly codec = 'string'
}

/** What becomes visible to whom needs a real Kafka: test/integration/transactions.test.ts. */
describe.each(['memory', 'confluent'] as const)('transactions of %s', (name) => {
  let cluster: MockCluster | undefined
  let options: MessagingOptions

  beforeAll(async () => {
    cluster = name === 'confluent' ? await startMockCluster() : undefined
    options = cluster ? { brokers: cluster.brokers } : { driver: createMemoryDriver() }
  })
  afterAll(() => cluster?.close())

  function start(transactionalId: string): Messaging {
    return createMessaging({ ...options, transactionalId }, {})
  }

  test('commit, abort and commit again with one client', async () => {
    await using messaging = start('one')
    const { registry } = messaging
    expect(await registry.transaction(async (tx) => (await tx.send(TextSent, 'a')).topic)).toBe('contract.transactions')
    const mistake = new Error('mistake')
    await expect(
      registry.transaction((tx) => {
        void tx.sendMany(TextSent, ['b', 'c'])
        throw mistake
      }),
    ).rejects.toBe(mistake)
    await registry.transaction((tx) => tx.tombstone(TextSent, 'key'))
    await registry.transaction(() => undefined)
    expect(registry.status().clients).toHaveLength(1)
  })

  test('sends outside of the transaction go on beside it', async () => {
    await using messaging = start('beside')
    const { registry } = messaging
    await registry.transaction(async (tx) => {
      const [inside, outside] = await Promise.all([tx.send(TextSent, 'in'), registry.send(TextSent, 'out')])
      expect([inside.topic, outside.topic]).toEqual(['contract.transactions', 'contract.transactions'])
    })
    expect(registry.status().clients).toHaveLength(2)
  })

  test('close in the middle of one ends it, and nothing hangs', async () => {
    const messaging = createMessaging({ ...options, transactionalId: 'closed', closeTimeoutMs: 100 }, {})
    const inside = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const open = messaging.registry.transaction(async (tx) => {
      await tx.send(TextSent, 'x')
      inside.resolve()
      await goOn.promise
    })
    await inside.promise
    await messaging.close()
    goOn.resolve()
    await open.catch((error: { outcome: string }) => expect(error.outcome).toBe('not_sent'))
  })
})
