import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { MessagingOptions } from '../config/fields.ts'
import { isMessagingError, type MessagingError } from '../errors/messaging-error.ts'
import { ProducerManifest, type ProducerManifestClass } from '../factory/producer-manifest.ts'
import { createMessaging, type Messaging } from '../messaging.ts'

/** A record as a second look at the topic finds it. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly timestamp: number
}

/** A driver with a cluster of its own or a shared one, ready to be sent to. */
export interface DriverUnderTest {
  readonly options: MessagingOptions
  /** Partitions of the topics that the contract sends to; at least 2. */
  readonly partitions: number
  /** Everything in a topic, once it holds at least `count` records, in the order of partition and offset. */
  read(topic: string, count: number): Promise<readonly StoredRecord[]>
  close(): Promise<void>
}

export interface DriverContract {
  readonly name: string
  readonly start: () => Promise<DriverUnderTest>
  /** Options with which a send to a topic that nobody made fails; absent where the cluster makes every topic. */
  readonly refusingUnknownTopics?: (options: MessagingOptions) => MessagingOptions
}

/** What the contract needs of a test framework: vitest and Jest fit as they are, node:test with `before` and `after`. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown
  readonly test: (name: string, body: () => Promise<void>) => unknown
  readonly beforeAll: (body: () => Promise<void>) => unknown
  readonly afterAll: (body: () => Promise<void>) => unknown
}

/** What Kafka’s Java client hashes keys to: without the sign, modulo partitions, it is where it puts them. */
const javaHashes: readonly (readonly [key: string, murmur2: number])[] = [
  ['', 275646681],
  ['a', -1563381124],
  ['ab', 316155434],
  ['abc', 479470107],
  ['abcd', -1323649548],
  ['foobar', -790332482],
  ['a-little-bit-longer-string', -1486304829],
  ['order-1', 1221710326],
  ['order-2', -1055499005],
  ['customer:42', -674319663],
  ['grüße', 1943707148],
  ['日本語のキー', -734675706],
  ['🙂', 925250799],
]

/** Text in, text out: what is stored can be compared as it is. */
abstract class Text extends ProducerManifest<string> {
  override readonly codec = 'string'
}

interface Keyed {
  readonly key: string
  readonly index: number
}

/**
 * What every driver promises, seen from where applications stand: through a registry.
 * @example describeDriverContract({ name: 'mine', start }, { describe, test, beforeAll, afterAll })
 */
export function describeDriverContract(contract: DriverContract, framework: TestFramework): void {
  const { describe, test, beforeAll, afterAll } = framework
  describe(`driver contract: ${contract.name}`, () => {
    let driver: DriverUnderTest
    let messaging: Messaging

    beforeAll(async () => {
      driver = await contract.start()
      messaging = createMessaging(driver.options, {})
    })

    afterAll(async () => {
      await messaging.close()
      await driver.close()
    })

    /** A manifest with a topic of its own, so that no test sees what another one sent. */
    function textManifest(): { topicName: string; Manifest: ProducerManifestClass<string> } {
      const topicName = `contract.${randomUUID()}`
      class TextSent extends Text {
        static override manifestName = `TextSent_${topicName.slice(9, 17)}`
        topic = topicName
        override readonly topicConfig = { partitions: driver.partitions }
      }
      return { topicName, Manifest: TextSent }
    }

    function keyedManifest(): { topicName: string; Manifest: ProducerManifestClass<Keyed> } {
      const topicName = `contract.${randomUUID()}`
      class KeyedSent extends ProducerManifest<Keyed> {
        static override manifestName = `KeyedSent_${topicName.slice(9, 17)}`
        topic = topicName
        override readonly topicConfig = { partitions: driver.partitions }
        override key({ key }: Keyed): string {
          return key
        }
      }
      return { topicName, Manifest: KeyedSent }
    }

    /** An instance with other settings of its producers. */
    function messagingWith(producer: MessagingOptions['producer']): Messaging {
      return createMessaging({ ...driver.options, producer: { ...driver.options.producer, ...producer } }, {})
    }

    async function readTexts(topic: string, count: number): Promise<(string | null)[]> {
      return (await driver.read(topic, count)).map(({ value }) => value?.toString() ?? null)
    }

    test('a message is stored byte for byte where its report says', async () => {
      const { topicName, Manifest } = textManifest()
      const timestamp = Date.now() - 60_000
      const report = await messaging.registry.send(Manifest, 'grüße', {
        key: Buffer.from([0, 255, 10]),
        headers: [
          ['trace', 'a'],
          ['trace', Buffer.from([1, 0, 255])],
          ['empty', ''],
          ['größe', 'ß'],
        ],
        partition: 1,
        timestamp,
      })
      const { topic, partition, offset } = report
      assert.deepEqual({ topic, partition, offset }, { topic: topicName, partition: 1, offset: 0 })
      const [record] = await driver.read(topicName, 1)
      assert.deepEqual(record, {
        partition: 1,
        offset: 0,
        key: Buffer.from([0, 255, 10]),
        value: Buffer.from('grüße'),
        headers: [
          ['trace', Buffer.from('a')],
          ['trace', Buffer.from([1, 0, 255])],
          ['empty', Buffer.alloc(0)],
          ['größe', Buffer.from('ß')],
        ],
        timestamp,
      })
    })

    test('empty and absent are different things, for value and key', async () => {
      const { topicName, Manifest } = textManifest()
      const { registry } = messaging
      await registry.send(Manifest, '', { key: '', partition: 0 })
      await registry.send(Manifest, 'no key', { partition: 0 })
      await registry.tombstone(Manifest, 'gone', { partition: 0 })
      const records = await driver.read(topicName, 3)
      assert.deepEqual(
        records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null]),
        [
          ['', ''],
          [null, 'no key'],
          ['gone', null],
        ],
      )
    })

    test('a key goes to the partition that the Java client chooses', async () => {
      const { Manifest } = keyedManifest()
      const reports = await messaging.registry.sendMany(
        Manifest,
        javaHashes.map(([key], index) => ({ key, index })),
      )
      assert.deepEqual(
        reports.map(({ partition }) => partition),
        javaHashes.map(([, hash]) => (hash & 0x7fffffff) % driver.partitions),
      )
    })

    test('messages without a key go to partitions that exist', async () => {
      const { topicName, Manifest } = textManifest()
      const reports = await messaging.registry.sendMany(
        Manifest,
        Array.from({ length: 100 }, (_, index) => `text ${index}`),
      )
      const places = reports.map(({ partition, offset }) => `${partition}/${offset}`)
      const stored = await driver.read(topicName, 100)
      assert.deepEqual(places.toSorted(), stored.map(({ partition, offset }) => `${partition}/${offset}`).toSorted())
    })

    test('messages of a key stay in order, however they are sent', async () => {
      const { topicName, Manifest } = keyedManifest()
      const payloads = Array.from({ length: 3000 }, (_, index) => ({ key: `key-${index % 7}`, index }))
      const { registry } = messaging
      const sent: Promise<unknown>[] = []
      for (let index = 0; index < payloads.length; index += 30) {
        const [single, dispatched, ...many] = payloads.slice(index, index + 30)
        sent.push(registry.send(Manifest, single!))
        registry.dispatch(Manifest, dispatched!)
        sent.push(registry.sendMany(Manifest, many))
      }
      await Promise.all(sent)
      await registry.flush()
      const byKey = new Map<string, number[]>()
      for (const { value } of await driver.read(topicName, payloads.length)) {
        const { key, index } = JSON.parse(value!.toString()) as Keyed
        byKey.set(key, [...(byKey.get(key) ?? []), index])
      }
      for (const [key, indexes] of byKey) {
        const expected = payloads.filter((payload) => payload.key === key).map(({ index }) => index)
        assert.deepEqual(indexes, expected, key)
      }
      assert.equal(byKey.size, 7)
    })

    test('a thousand concurrent first sends share one client', async () => {
      await using fresh = createMessaging(driver.options, {})
      const { Manifest } = keyedManifest()
      const reports = await Promise.all(
        Array.from({ length: 1000 }, (_, index) => fresh.registry.send(Manifest, { key: 'k', index })),
      )
      assert.equal(new Set(reports.map(({ offset }) => offset)).size, 1000)
      const { clients, producers } = fresh.registry.status()
      assert.deepEqual([clients.map(({ pending }) => pending), producers[0]?.acknowledged], [[0], 1000])
    })

    test('of a list with bad messages the good ones are sent and the bad ones named', async () => {
      const { topicName, Manifest } = keyedManifest()
      const payloads = Array.from({ length: 1000 }, (_, index) => ({ key: 'k', index }))
      payloads[417] = { key: Symbol('not a key') as unknown as string, index: 417 }
      payloads[600] = { key: 'k'.repeat(1_100_000), index: 600 }
      const error = await failureOf(messaging.registry.sendMany(Manifest, payloads))
      assert.deepEqual([error.code, error.outcome], ['BATCH_FAILED', 'not_sent'])
      assert.deepEqual(
        error.failures?.map(({ index, error: { code } }) => [index, code]),
        [
          [417, 'KEY_INVALID'],
          [600, 'MESSAGE_TOO_LARGE'],
        ],
      )
      assert.equal((await driver.read(topicName, 998)).length, 998)
    })

    test('a message as large as it may be is stored, next to small ones', async () => {
      const { topicName, Manifest } = textManifest()
      const texts = ['before', 'x'.repeat(1_000_000), 'after']
      const sent = texts.map((text) => messaging.registry.send(Manifest, text, { partition: 0 }))
      const reports = await Promise.all(sent)
      // Acknowledged without a place is not stored.
      assert.deepEqual(
        reports.map(({ offset }) => offset),
        [0, 1, 2],
      )
      assert.deepEqual(await readTexts(topicName, 3), texts)
    })

    test('a partition that does not exist is refused, and its neighbours are not', async () => {
      const { Manifest } = textManifest()
      const { registry } = messaging
      const good = registry.send(Manifest, 'good', { partition: 0 })
      const error = await failureOf(registry.send(Manifest, 'bad', { partition: 99 }))
      assert.deepEqual([error.code, error.outcome], ['PARTITION_NOT_FOUND', 'not_sent'])
      assert.equal((await good).partition, 0)
    })

    test('a partitioner of a manifest’s own is told how many partitions there are', async () => {
      const topicName = `contract.${randomUUID()}`
      const told = new Set<number | undefined>()
      class Routed extends Text {
        static override manifestName = 'Routed'
        topic = topicName
        override readonly topicConfig = { partitions: driver.partitions }
        override partition(_text: string, _key: Buffer | null, partitions?: number): number {
          told.add(partitions)
          return (partitions ?? 1) - 1
        }
      }
      const { registry } = messaging
      // A topic made by its first message is not counted before it.
      await registry.send(Routed, 'first', { partition: driver.partitions - 1 })
      const rebuilt = messagingWith({})
      const report = await rebuilt.registry.send(Routed, 'second')
      await rebuilt.close()
      assert.equal(report.partition, driver.partitions - 1)
      assert.deepEqual([...told], [driver.partitions])
    })

    test('bytes may be reused by the caller once a built producer has taken them', async () => {
      const topicName = `contract.${randomUUID()}`
      class BytesSent extends ProducerManifest<Buffer> {
        topic = topicName
        override readonly codec = 'bytes'
        override readonly topicConfig = { partitions: driver.partitions }
      }
      const { registry } = messaging
      await registry.send(BytesSent, Buffer.from('first'), { partition: 0 })
      const bytes = Buffer.from('second')
      const sent = registry.send(BytesSent, bytes, { partition: 0 })
      bytes.fill(0)
      await sent
      assert.deepEqual(await readTexts(topicName, 2), ['first', 'second'])
    })

    test('a full queue refuses what may not wait, stores the rest and holds back a list', async () => {
      await using narrow = messagingWith({ queueMaxMessages: 5 })
      const { topicName, Manifest } = textManifest()
      const { registry } = narrow
      await registry.send(Manifest, 'first', { partition: 0 })
      const texts = Array.from({ length: 100 }, (_, index) => `single ${index}`)
      const settled = await Promise.allSettled(texts.map((text) => registry.send(Manifest, text, { partition: 0 })))
      const stored = texts.filter((_, index) => settled[index]!.status === 'fulfilled')
      assert.ok(stored.length >= 5 && stored.length < 100, `${stored.length} of 100 were stored`)
      for (const { reason } of settled.filter((result) => result.status === 'rejected')) {
        assert.ok(isMessagingError(reason, 'QUEUE_FULL'))
        assert.equal(reason.outcome, 'not_sent')
      }
      const list = Array.from({ length: 500 }, (_, index) => `list ${index}`)
      await registry.sendMany(Manifest, list, { partition: 0 })
      assert.deepEqual(await readTexts(topicName, 1 + stored.length + 500), ['first', ...stored, ...list])
    })

    test('flush waits for what was sent before it, dispatches included', async () => {
      const { topicName, Manifest } = textManifest()
      const { registry } = messaging
      const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`)
      for (const text of texts) registry.dispatch(Manifest, text, { partition: 0 })
      await registry.flush()
      const producer = registry.status().producers.find(({ topic }) => topic === topicName)
      assert.equal(producer?.acknowledged, 100)
      assert.deepEqual(await readTexts(topicName, 100), texts)
    })

    test('messages that linger leave by their time or by a flush', async () => {
      await using patient = messagingWith({ lingerMs: 20_000 })
      const { Manifest } = textManifest()
      const lingering = patient.registry.send(Manifest, 'flushed')
      await patient.registry.flush()
      assert.equal((await lingering).offset, 0)
      await using brief = messagingWith({ lingerMs: 20 })
      assert.ok((await brief.registry.send(Manifest, 'in time')).offset >= 0)
    })

    test('an aborted send says whether it was handed over', async () => {
      const { topicName, Manifest } = textManifest()
      const { registry } = messaging
      await registry.send(Manifest, 'first', { partition: 0 })
      const early = await failureOf(registry.send(Manifest, 'never', { partition: 0, signal: AbortSignal.abort() }))
      assert.deepEqual([early.code, early.outcome], ['SEND_ABORTED', 'not_sent'])
      const aborting = new AbortController()
      const sent = registry.send(Manifest, 'handed over', { partition: 0, signal: aborting.signal })
      aborting.abort()
      const late = await failureOf(sent)
      assert.deepEqual([late.code, late.outcome], ['SEND_ABANDONED', 'unknown'])
      await registry.flush()
      assert.deepEqual(await readTexts(topicName, 2), ['first', 'handed over'])
    })

    test('a message that ran out of time was stored only if its outcome allows it', async () => {
      await using hasty = messagingWith({ deliveryTimeoutMs: 5 })
      const { topicName, Manifest } = textManifest()
      await messaging.registry.send(Manifest, 'first', { partition: 0 })
      const texts = Array.from({ length: 2000 }, (_, index) => `text ${index}`)
      const settled = await Promise.allSettled(
        texts.map((text) => hasty.registry.send(Manifest, text, { partition: 0 })),
      )
      await hasty.close()
      // Some may be stored that were not acknowledged: the offset of the last one says how many there are.
      const { offset } = await messaging.registry.send(Manifest, 'last', { partition: 0 })
      const stored = new Set(await readTexts(topicName, offset + 1))
      for (const [index, result] of settled.entries()) {
        if (result.status === 'fulfilled') {
          assert.ok(stored.has(texts[index]!))
          continue
        }
        assert.ok(isMessagingError(result.reason, 'DELIVERY_TIMED_OUT'), String(result.reason))
        if (result.reason.outcome !== 'unknown') assert.ok(!stored.has(texts[index]!), texts[index])
      }
    })

    if (contract.refusingUnknownTopics) {
      const { refusingUnknownTopics } = contract
      test('a topic that does not exist is an error', async () => {
        await using strict = createMessaging(refusingUnknownTopics(driver.options), {})
        const { topicName, Manifest } = textManifest()
        const error = await failureOf(strict.registry.send(Manifest, 'nowhere'))
        assert.deepEqual([error.code, error.outcome, error.topic], ['TOPIC_NOT_FOUND', 'not_sent', topicName])
      })
    }

    test('close settles everything that was accepted, refuses the rest, and can be repeated', async () => {
      const closing = createMessaging(driver.options, {})
      const { topicName, Manifest } = keyedManifest()
      const { registry } = closing
      const first = registry.send(Manifest, { key: 'k', index: -1 })
      const many = Array.from({ length: 500 }, (_, index) => registry.send(Manifest, { key: 'k', index }))
      const closed = [registry.close(), registry.close()]
      const late = await failureOf(registry.send(Manifest, { key: 'k', index: 1000 }))
      assert.deepEqual([late.code, late.outcome], ['REGISTRY_CLOSED', 'not_sent'])
      await Promise.all(closed)
      const settled = await Promise.allSettled([first, ...many])
      assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 501)
      assert.equal((await driver.read(topicName, 501)).length, 501)
      await registry.close()
      const { state, clients } = registry.status()
      assert.deepEqual([state, clients], ['closed', []])
    })
  })
}

async function failureOf(sent: Promise<unknown>): Promise<MessagingError> {
  const error = await sent.then(
    () => assert.fail('the send did not fail'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMessagingError(error), String(error))
  return error
}
