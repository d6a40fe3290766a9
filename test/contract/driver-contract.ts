import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partitionByMurmur2 } from '../../src/driver/partitioners.ts'
import {
  createMessaging,
  MessagingError,
  ProducerManifest,
  type Messaging,
  type MessagingOptions,
  type ProducerManifestClass,
} from '../../src/index.ts'

/** A record as a second look at the topic finds it. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly timestamp: number
}

export interface DriverUnderTest {
  readonly options: MessagingOptions
  /** Partitions of the topics that the contract sends to. */
  readonly partitions: number
  /** Everything in a topic, once it holds at least `count` records, in the order of partition and offset. */
  read(topic: string, count: number): Promise<readonly StoredRecord[]>
  close(): Promise<void>
}

/** Text in, text out: what is stored can be compared as it is. */
abstract class Text extends ProducerManifest<string> {
  override readonly codec = 'string'
}

interface Keyed {
  readonly key: string
  readonly index: number
}

/** What every driver promises, seen from where applications stand: through a registry. */
export function describeDriverContract(name: string, start: () => Promise<DriverUnderTest>): void {
  describe(`driver contract: ${name}`, () => {
    let driver: DriverUnderTest
    let messaging: Messaging

    beforeAll(async () => {
      driver = await start()
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

    test('a message is stored byte for byte where its report says', async () => {
      const { topicName, Manifest } = textManifest()
      const report = await messaging.registry.send(Manifest, 'grüße', {
        key: Buffer.from([0, 255, 10]),
        headers: [
          ['trace', 'a'],
          ['trace', Buffer.from([1, 0, 255])],
          ['empty', ''],
          ['größe', 'ß'],
        ],
        partition: 1,
        timestamp: 1_700_000_000_123,
      })
      expect(report).toMatchObject({ topic: topicName, partition: 1, offset: 0 })
      const [record] = await driver.read(topicName, 1)
      expect(record).toEqual({
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
        timestamp: 1_700_000_000_123,
      })
    })

    test('empty and absent are different things, for value and key', async () => {
      const { topicName, Manifest } = textManifest()
      const { registry } = messaging
      await registry.send(Manifest, '', { key: '', partition: 0 })
      await registry.send(Manifest, 'no key', { partition: 0 })
      await registry.tombstone(Manifest, 'gone', { partition: 0 })
      const records = await driver.read(topicName, 3)
      expect(records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
        ['', ''],
        [null, 'no key'],
        ['gone', null],
      ])
    })

    test('a key goes to the partition that the Java client chooses', async () => {
      const { topicName, Manifest } = keyedManifest()
      const keys = ['', 'a', 'order-1', 'größe', 'x'.repeat(300), ...Array.from({ length: 50 }, (_, i) => `key-${i}`)]
      const reports = await messaging.registry.sendMany(
        Manifest,
        keys.map((key, index) => ({ key, index })),
      )
      expect(reports.map(({ partition }) => partition)).toEqual(
        keys.map((key) => partitionByMurmur2(Buffer.from(key), driver.partitions)),
      )
      await driver.read(topicName, keys.length)
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
        expect(indexes, key).toEqual(payloads.filter((payload) => payload.key === key).map(({ index }) => index))
      }
      expect(byKey.size).toBe(7)
    })

    test('a thousand concurrent first sends share one client', async () => {
      await using fresh = createMessaging(driver.options, {})
      const { Manifest } = keyedManifest()
      const reports = await Promise.all(
        Array.from({ length: 1000 }, (_, index) => fresh.registry.send(Manifest, { key: 'k', index })),
      )
      expect(new Set(reports.map(({ offset }) => offset)).size).toBe(1000)
      expect(fresh.registry.status()).toMatchObject({ clients: [{ pending: 0 }], producers: [{ acknowledged: 1000 }] })
    })

    test('of a list with bad messages the good ones are sent and the bad ones named', async () => {
      const { topicName, Manifest } = keyedManifest()
      const payloads = Array.from({ length: 1000 }, (_, index) => ({ key: 'k', index }))
      payloads[417] = { key: Symbol('not a key') as unknown as string, index: 417 }
      payloads[600] = { key: 'k'.repeat(1_100_000), index: 600 }
      const error = await messaging.registry.sendMany(Manifest, payloads).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(MessagingError)
      expect(error).toMatchObject({
        code: 'BATCH_FAILED',
        outcome: 'not_sent',
        failures: [
          { index: 417, error: { code: 'KEY_INVALID' } },
          { index: 600, error: { code: 'MESSAGE_TOO_LARGE' } },
        ],
      })
      expect(await driver.read(topicName, 998)).toHaveLength(998)
    })

    test('a partition that does not exist is refused, and its neighbours are not', async () => {
      const { Manifest } = textManifest()
      const { registry } = messaging
      const good = registry.send(Manifest, 'good', { partition: 0 })
      const bad = registry.send(Manifest, 'bad', { partition: 99 })
      await expect(bad).rejects.toMatchObject({ code: 'PARTITION_NOT_FOUND', outcome: 'not_sent' })
      await expect(good).resolves.toMatchObject({ partition: 0 })
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
      const records = await driver.read(topicName, 2)
      expect(records.map(({ value }) => value?.toString())).toEqual(['first', 'second'])
    })

    test('close settles everything that was accepted, refuses the rest, and can be repeated', async () => {
      const closing = createMessaging(driver.options, {})
      const { topicName, Manifest } = keyedManifest()
      const { registry } = closing
      const first = registry.send(Manifest, { key: 'k', index: -1 })
      const many = Array.from({ length: 500 }, (_, index) => registry.send(Manifest, { key: 'k', index }))
      const closed = [registry.close(), registry.close()]
      const late = registry.send(Manifest, { key: 'k', index: 1000 })
      await expect(late).rejects.toMatchObject({ code: 'REGISTRY_CLOSED', outcome: 'not_sent' })
      await Promise.all(closed)
      const settled = await Promise.allSettled([first, ...many])
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(501)
      expect(await driver.read(topicName, 501)).toHaveLength(501)
      await registry.close()
      expect(registry.status()).toMatchObject({ state: 'closed', clients: [] })
    })
  })
}
