import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMessaging, ProducerManifest, type MessagingOptions } from '../../src/index.ts'
import { describeDriverContract } from '../../src/testing.ts'
import { readStored } from '../contract/read-stored.ts'

const {
  KAFKA_BOOTSTRAP = '',
  KAFKA_SASL_BOOTSTRAP = '',
  KAFKA_SASL_USERNAME = '',
  KAFKA_SASL_PASSWORD = '',
  KAFKA_TLS_BOOTSTRAP = '',
  KAFKA_TLS_AUTHORITY_FILE = '',
} = process.env
const brokers = KAFKA_BOOTSTRAP.split(',')

/** How long a driver asks for a missing topic before it gives up; the default of 30 s is for clusters that are slow to create. */
const impatient = {
  confluent: { 'topic.metadata.propagation.max.ms': 1000 },
  platformatic: { topicPropagationMs: 1000 },
} as const

function textManifest(settings: Readonly<Record<string, string | number>> = {}) {
  const name = `integration.${randomUUID()}`
  return class TextSent extends ProducerManifest<string> {
    topic = name
    override readonly codec = 'string'
    override readonly topicConfig = { partitions: 1, config: settings }
  }
}

describe.each(['confluent', 'platformatic'] as const)('%s', (driver) => {
  const base = { driver, brokers } as const
  const creating = { ...base, producer: { createTopic: 'if-missing' } } as const

  describeDriverContract(
    {
      name: `${driver} on Apache Kafka`,
      start: () =>
        Promise.resolve({
          options: creating,
          partitions: 4,
          read: (topic: string, count: number) => readStored(brokers, topic, count),
          close: () => Promise.resolve(),
        }),
      refusingUnknownTopics: () => ({ ...base, driverOptions: impatient }),
    },
    { describe, test, beforeAll, afterAll },
  )

  describe('topics', () => {
    test('an unknown topic is an error where brokers do not create topics', async () => {
      await using messaging = createMessaging({ ...base, driverOptions: impatient }, {})
      const Manifest = textManifest()
      await expect(messaging.registry.send(Manifest, 'x')).rejects.toMatchObject({
        code: 'TOPIC_NOT_FOUND',
        topic: new Manifest().topic,
        manifest: 'TextSent',
      })
    })

    test('createTopic makes the topic as its topicConfig says, and leaves an existing one alone', async () => {
      const Manifest = textManifest({ 'retention.ms': 60_000 })
      for (let run = 0; run < 2; run++) {
        await using messaging = createMessaging(creating, {})
        expect(await messaging.registry.send(Manifest, 'x')).toMatchObject({ partition: 0, offset: run })
      }
    })

    test('bad topic settings are refused by their name', async () => {
      await using messaging = createMessaging(creating, {})
      const sent = messaging.registry.send(textManifest({ 'no.such.setting': 1 }), 'x')
      await expect(sent).rejects.toMatchObject({ code: 'TOPIC_INVALID', outcome: 'not_sent' })
    })
  })

  describe('load', () => {
    test('that comes and goes swaps, loses and doubles nothing, whichever producer sends', async () => {
      await using messaging = createMessaging(creating, {})
      const name = `integration.${randomUUID()}`
      class Numbered extends ProducerManifest<string> {
        topic = name
        override readonly codec = 'string'
        override readonly topicConfig = { partitions: 4 }
        override key = (payload: string): string => payload.split(':')[0]!
      }
      const { registry } = messaging
      await registry.send(Numbered, 'first:0')
      const sent: number[] = []
      /** So many keys at a time, two messages of each under way, until the time is over. */
      const load = async (keys: number, forMs: number): Promise<void> => {
        const until = performance.now() + forMs
        const sendNext = (key: number): Promise<unknown> => {
          sent[key] = (sent[key] ?? 0) + 1
          return registry.send(Numbered, `${key}:${sent[key]}`)
        }
        const work = async (key: number): Promise<void> => {
          while (performance.now() < until) await Promise.all([sendNext(key), sendNext(key)])
        }
        await Promise.all(Array.from({ length: keys }, (_, key) => work(key)))
      }
      // Long enough each for another producer to be wanted, connected and ready.
      for (const keys of [500, 2, 60, 500]) await load(keys, 1500)
      const total = sent.reduce((sum, count) => sum + count, 1)
      const received = new Map<string, number>()
      for (const { value } of await readStored(brokers, name, total)) {
        const [key = '', number] = value!.toString().split(':')
        expect(Number(number)).toBe(key === 'first' ? 0 : (received.get(key) ?? 0) + 1)
        received.set(key, Number(number))
      }
    })
  })

  describe('the broker says no', () => {
    test('a message over the limit of the topic fails alone when it travels alone', async () => {
      await using messaging = createMessaging(creating, {})
      const Manifest = textManifest({ 'max.message.bytes': 1000 })
      const { registry } = messaging
      await registry.send(Manifest, 'small')
      await expect(registry.send(Manifest, 'x'.repeat(5000))).rejects.toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
        outcome: 'rejected',
        driverCode: 10,
      })
      await expect(registry.send(Manifest, 'small again')).resolves.toMatchObject({ offset: 1 })
    })

    test('of a batch that holds one such message each fails or is stored as its report says, and nothing else', async () => {
      await using messaging = createMessaging(creating, {})
      const Manifest = textManifest({ 'max.message.bytes': 1000 })
      const { registry } = messaging
      await registry.send(Manifest, 'first')
      const payloads = Array.from({ length: 20 }, (_, index) => (index === 10 ? 'x'.repeat(5000) : `small ${index}`))
      const settled = await Promise.allSettled(payloads.map((payload) => registry.send(Manifest, payload)))
      const acknowledged = payloads.filter((_, index) => settled[index]!.status === 'fulfilled')
      expect(acknowledged).not.toContain(payloads[10])
      const stored = await readStored(brokers, new Manifest().topic, acknowledged.length + 1)
      expect(stored.map(({ value }) => value?.toString())).toEqual(['first', ...acknowledged])
    })
  })

  describe('brokers', () => {
    test('unreachable ones are an error after connectTimeoutMs, and the next send tries again', async () => {
      const Manifest = textManifest()
      await using messaging = createMessaging({ driver, brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 }, {})
      await expect(messaging.registry.send(Manifest, 'x')).rejects.toMatchObject({
        code: 'BROKERS_UNREACHABLE',
        retriable: true,
        outcome: 'not_sent',
      })
      // A failed build has built nothing, so even the brokers may still change.
      messaging.configure(creating)
      await expect(messaging.registry.send(Manifest, 'x')).resolves.toMatchObject({ offset: 0 })
    })
  })

  /** Only with a Kafka of the tests' own: `--brokers` has no credentials that are known to be right or wrong. */
  describe.skipIf(KAFKA_SASL_BOOTSTRAP === '')('credentials', () => {
    const canary = 'canary-password-4711'
    const sasl = (password: string, mechanism: 'plain' | 'scram-sha-256' = 'plain'): MessagingOptions => ({
      ...creating,
      brokers: [KAFKA_SASL_BOOTSTRAP],
      sasl: { mechanism, username: KAFKA_SASL_USERNAME, password },
    })

    test.each(['plain', 'scram-sha-256'] as const)('right ones are let in by %s', async (mechanism) => {
      await using messaging = createMessaging(sasl(KAFKA_SASL_PASSWORD, mechanism), {})
      await expect(messaging.registry.send(textManifest(), 'x')).resolves.toMatchObject({ offset: 0 })
    })

    test.each(['plain', 'scram-sha-256'] as const)(
      'wrong ones are an error at once with %s, which does not tell them',
      async (mechanism) => {
        await using messaging = createMessaging({ ...sasl(canary, mechanism), connectTimeoutMs: 60_000 }, {})
        const error: unknown = await messaging.registry.send(textManifest(), 'x').catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', outcome: 'not_sent', retriable: false })
        expect(
          `${String(error)} ${JSON.stringify(error)} ${JSON.stringify(messaging.registry.status())}`,
        ).not.toContain(canary)
      },
    )

    test('TLS with the right authority is let in, with another one refused', async () => {
      const manifest = textManifest()
      const tls = { enabled: true, ca: KAFKA_TLS_AUTHORITY_FILE }
      const encrypted: MessagingOptions = { ...creating, brokers: [KAFKA_TLS_BOOTSTRAP] }
      await using byFile = createMessaging({ ...encrypted, tls }, {})
      await byFile.registry.send(manifest, 'x')
      await using byText = createMessaging({ ...encrypted, tls: { ...tls, ca: readFileSync(tls.ca, 'utf8') } }, {})
      await byText.registry.send(manifest, 'x')
      await using distrustful = createMessaging({ ...encrypted, tls: { enabled: true }, connectTimeoutMs: 60_000 }, {})
      await expect(distrustful.registry.send(manifest, 'x')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    })
  })
})
