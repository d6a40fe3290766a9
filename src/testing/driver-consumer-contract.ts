import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  canConsume,
  type CommittedPosition,
  type ConsumedMessage,
  type ConsumingDriverModule,
  type DriverConsumerOptions,
  type StartPosition,
  type TopicPartition,
} from '../driver/driver-consumer.ts'
import { loadDriver } from '../driver/load-driver.ts'
import type { ErrorCode } from '../errors/codes.ts'
import { isMessagingError } from '../errors/messaging-error.ts'
import { ProducerManifest, type ProducerManifestClass } from '../factory/producer-manifest.ts'
import { createMessaging, type Messaging } from '../messaging.ts'
import type { DriverContract, DriverUnderTest, TestFramework } from './driver-contract.ts'
import { GroupMember } from './group-member.ts'

/** Short sessions: those of a few seconds. Empty shares: a member without partitions is told that none is left. */
type ClusterAbility =
  'empty shares' | 'offsets by time' | 'rebalances' | 'short sessions' | 'static members' | 'transactional offsets'

export interface DriverConsumerContract extends Pick<DriverContract, 'name' | 'start'> {
  /** What consumers are made with besides; the brokers are those of `start`. */
  readonly consumer?: Partial<DriverConsumerOptions>
  /** What the cluster or the protocol, not the driver, cannot do; what needs it is left out. */
  readonly clusterLacks?: readonly ClusterAbility[]
}

/**
 * What every driver that consumes promises, seen from what is built on it.
 * Each test has a topic and a group of its own, so that `test.concurrent` may be handed over as `test`.
 * @example describeDriverConsumerContract({ name: 'mine', start }, { describe, test, beforeAll, afterAll })
 */
export function describeDriverConsumerContract(contract: DriverConsumerContract, framework: TestFramework): void {
  const { describe, test, beforeAll, afterAll } = framework
  const has = (what: ClusterAbility): boolean => !contract.clusterLacks?.includes(what)
  describe(`consumer contract: ${contract.name}`, () => {
    let driver: DriverUnderTest
    let module: ConsumingDriverModule
    let messaging: Messaging

    beforeAll(async () => {
      driver = await contract.start()
      const loaded = await loadDriver(driver.options.driver ?? 'confluent')
      assert.ok(canConsume(loaded), `${loaded.name} makes no consumers`)
      module = loaded
      messaging = createMessaging(driver.options, {})
    })

    afterAll(async () => {
      await messaging.close()
      await driver.close()
    })

    async function connect(options: Partial<DriverConsumerOptions> = {}): Promise<GroupMember> {
      const member = new GroupMember()
      member.consumer = await module.createConsumer({
        brokers: driver.options.brokers ?? [],
        clientId: 'contract',
        connectTimeoutMs: 10_000,
        tls: {
          enabled: false,
          ca: undefined,
          certificate: undefined,
          key: undefined,
          keyPassword: undefined,
          verifyHostname: true,
        },
        sasl: { mechanism: undefined, username: undefined, password: undefined },
        passThrough: {},
        group: `contract.${randomUUID()}`,
        instanceId: undefined,
        protocol: 'classic',
        startFrom: 'earliest',
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 200,
        maxPollIntervalMs: 60_000,
        isolation: 'committed',
        prefetchMaxBytes: 16_777_216,
        fetchMaxWaitMs: 100,
        ...contract.consumer,
        ...options,
        listener: member,
      })
      return member
    }

    /** A member that polls, and has been given its first partitions. */
    async function join(topics: readonly (string | RegExp)[], options: Partial<DriverConsumerOptions> = {}) {
      const member = await connect(options)
      await member.consumer.subscribe(topics)
      member.run()
      await member.until(({ told }) => told.length > 0, 'the first partitions are assigned')
      return member
    }

    /** Undefined where the driver has no transactions. */
    async function startTransactional(): Promise<Messaging | undefined> {
      const transactionalId = `contract.${randomUUID()}`
      const transactional = createMessaging({ ...driver.options, transactionalId }, {})
      try {
        await transactional.registry.transaction(() => undefined)
        return transactional
      } catch (error) {
        assert.ok(isMessagingError(error, 'TRANSACTION_INVALID'), String(error))
        await transactional.close()
        return undefined
      }
    }

    // An hour ago: what is older than the retention of a topic may be deleted at any time.
    const firstTimestamp = Date.now() - 3_600_000

    /** A topic with the texts `<partition>-<number>` in each partition, and a way to add more. */
    async function createTopic(perPartition: number, topic = `contract.${randomUUID()}`) {
      const Manifest: ProducerManifestClass<string> = class extends ProducerManifest<string> {
        static override manifestName = `Text_${topic.replaceAll(/[^a-z0-9]/g, '_')}`
        topic = topic
        override readonly codec = 'string'
        override readonly topicConfig = { partitions: driver.partitions }
      }
      let next = 0
      const add = async (count: number): Promise<string[]> => {
        const texts: string[] = []
        const sent: Promise<unknown>[] = []
        for (let index = 0; index < count; index++, next++) {
          for (let partition = 0; partition < driver.partitions; partition++) {
            texts.push(`${partition}-${next}`)
            const timestamp = firstTimestamp + next * 1000
            sent.push(messaging.registry.send(Manifest, `${partition}-${next}`, { partition, timestamp }))
          }
        }
        await Promise.all(sent)
        return texts
      }
      const texts = await add(perPartition)
      const all = Array.from({ length: driver.partitions }, (_, partition) => ({ topic, partition }))
      return { topic, Manifest, texts, add, all }
    }

    test('a member gets every message of its topics once, each partition in order', async () => {
      const { topic, texts, all } = await createTopic(30)
      const member = await join([topic])
      await member.until(({ received }) => received.length >= texts.length)
      for (const { partition } of all) {
        assert.deepEqual(
          member.texts(partition),
          texts.filter((text) => text.startsWith(`${partition}-`)),
        )
      }
      assert.deepEqual(member.told, [`assigned ${all.map(({ partition }) => partition).join(' ')}`])
      assert.deepEqual(member.failures, [])
      await member.close()
    })

    test('a message arrives byte for byte; empty and absent are different things', async () => {
      const { topic, Manifest } = await createTopic(0)
      const { registry } = messaging
      const headers: [string, string | Buffer][] = [
        ['trace', 'a'],
        ['trace', Buffer.from([1, 0, 255])],
        ['empty', ''],
        ['größe', 'ß'],
      ]
      await registry.send(Manifest, 'grüße', {
        key: Buffer.from([0, 255]),
        headers,
        partition: 1,
        timestamp: firstTimestamp + 123,
      })
      await registry.send(Manifest, '', { key: '', partition: 1 })
      await registry.send(Manifest, 'no key', { partition: 1 })
      await registry.tombstone(Manifest, 'gone', { partition: 1 })
      const member = await connect()
      await member.consumer.assign([{ topic, partition: 1, offset: 'earliest' }])
      member.run()
      await member.until(({ received }) => received.length >= 4)
      const [first, ...others] = member.received as [ConsumedMessage, ...ConsumedMessage[]]
      assert.deepEqual(
        [first.topic, first.partition, first.offset, first.timestamp],
        [topic, 1, 0, firstTimestamp + 123],
      )
      assert.deepEqual([first.key, first.value], [Buffer.from([0, 255]), Buffer.from('grüße')])
      assert.deepEqual(
        first.headers?.map(([name, value]) => [name, value]),
        headers.map(([name, value]) => [name, Buffer.from(value as string)]),
      )
      assert.deepEqual(
        others.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null]),
        [
          ['', ''],
          [null, 'no key'],
          ['gone', null],
        ],
      )
      await member.close()
    })

    test('a poll takes no more than it may, and waits for the first message', async () => {
      const { topic, add } = await createTopic(5)
      const { consumer, ...member } = await connect()
      await consumer.assign([{ topic, partition: 0, offset: 0 }])
      const sizes: number[] = []
      for (let total = 0; total < 5; total += sizes.at(-1)!) sizes.push((await consumer.poll(2, 10_000)).length)
      assert.ok(Math.max(...sizes) <= 2, String(sizes))
      const waiting = consumer.poll(10, 30_000)
      await add(1)
      assert.deepEqual(
        (await waiting).map(({ offset }) => offset),
        [5],
      )
      assert.deepEqual(await consumer.poll(10, 0), [])
      assert.deepEqual(member.failures, [])
      await consumer.close()
    })

    test('one poll at a time; close ends it, and later ones are refused', async () => {
      const { topic } = await createTopic(1)
      const { consumer } = await connect()
      await consumer.assign([{ topic, partition: 0, offset: 1 }])
      const waiting = consumer.poll(10, 60_000)
      await refused(consumer.poll(10, 0), 'DRIVER_FAILED')
      await consumer.close()
      assert.deepEqual(await waiting, [])
      await refused(consumer.poll(10, 0), 'DRIVER_FAILED')
    })

    test('by hand: from the first, the last, an offset or a time on, without a group', async () => {
      const { topic, add } = await createTopic(5)
      const { consumer } = await connect()
      const readFrom = async (offset: StartPosition['offset'], count: number): Promise<string[]> => {
        await consumer.assign([{ topic, partition: 1, offset }])
        const texts: string[] = []
        while (texts.length < count) {
          texts.push(...(await consumer.poll(10, 10_000)).map(({ value }) => String(value)))
        }
        return texts
      }
      assert.deepEqual(await readFrom('earliest', 5), ['1-0', '1-1', '1-2', '1-3', '1-4'])
      assert.deepEqual(await readFrom(3, 2), ['1-3', '1-4'])
      if (has('offsets by time')) {
        assert.deepEqual(await readFrom({ timestamp: firstTimestamp + 1_500 }, 3), ['1-2', '1-3', '1-4'])
      }
      for (const end of ['latest', { timestamp: Date.now() + 3_600_000 }] as const) {
        await consumer.assign([{ topic, partition: 1, offset: end }])
        assert.deepEqual(await consumer.poll(10, 500), [])
        const added: string[] = []
        let messages: readonly ConsumedMessage[] = []
        // Where the end is may be looked up only after the partition is assigned.
        while (messages.length === 0) {
          added.push(...(await add(1)))
          messages = await consumer.poll(10, 1000)
        }
        assert.deepEqual(
          messages.map(({ value }) => String(value)).filter((text) => !added.includes(text)),
          [],
        )
      }
      await consumer.close()
    })

    test('watermarks are the first offset and the next one', async () => {
      const { topic } = await createTopic(3)
      const { consumer } = await connect()
      assert.deepEqual(await consumer.watermarks({ topic, partition: 1 }), { low: 0, high: 3 })
      await consumer.close()
    })

    test('partitions of a topic are counted', async () => {
      const { topic } = await createTopic(1)
      const member = await connect()
      assert.equal(await member.consumer.partitionCount(topic), driver.partitions)
      await member.close()
    })

    test('a seek goes anywhere, and nothing from before it comes after it', async () => {
      const { topic } = await createTopic(50)
      const member = await connect()
      const { consumer } = member
      const partition = { topic, partition: 0 }
      await consumer.assign([{ ...partition, offset: 0 }])
      /** The poll that is under way may give what comes before the seek, or what comes after it already. */
      const isReadFrom = async (first: number, offset: StartPosition['offset']): Promise<void> => {
        const underWay = consumer.poll(1, 50)
        await consumer.seek({ ...partition, offset })
        const offsets = [...(await underWay), ...(await consumer.poll(1, 10_000))].map((message) => message.offset)
        const fromThere = offsets.slice(offsets.indexOf(first))
        assert.deepEqual(
          fromThere,
          Array.from(fromThere, (_, index) => first + index),
          `from ${first} on`,
        )
      }
      assert.equal((await consumer.poll(1, 10_000))[0]?.offset, 0)
      await isReadFrom(40, 40)
      await isReadFrom(0, 'earliest')
      if (has('offsets by time')) await isReadFrom(20, { timestamp: firstTimestamp + 20_000 })
      await refused(consumer.seek({ topic, partition: 1, offset: 0 }), 'PARTITION_NOT_FOUND')
      await consumer.close()
    })

    test('a paused partition is silent, others go on; then it continues where it was, or where a seek put it', async () => {
      const { topic, add } = await createTopic(20)
      const member = await connect()
      const { consumer } = member
      const [first, second] = [
        { topic, partition: 0 },
        { topic, partition: 1 },
      ]
      await consumer.assign([first, second].map((partition) => ({ ...partition, offset: 0 })))
      while (!member.texts(0).includes('0-4') || !member.texts(1).includes('1-4')) {
        member.received.push(...(await consumer.poll(1, 10_000)))
      }
      const underWay = consumer.poll(1, 50)
      consumer.pause([first])
      member.received.push(...(await underWay))
      const silentFrom = member.texts(0).length
      await add(1)
      member.run()
      await member.until(() => member.texts(1).length === 21)
      assert.equal(member.texts(0).length, silentFrom)
      consumer.resume([first])
      await member.until(() => member.texts(0).length === 21)
      assert.deepEqual(
        member.texts(0),
        Array.from({ length: 21 }, (_, index) => `0-${index}`),
      )
      consumer.pause([first])
      await consumer.seek({ ...first, offset: 19 })
      consumer.resume([first])
      await member.until(() => member.texts(0).length === 23)
      assert.deepEqual(member.texts(0).slice(21), ['0-19', '0-20'])
      await member.close()
    })

    test('a group goes on where it has committed, which is told back; close commits nothing', async () => {
      const { topic, texts, all } = await createTopic(10)
      const group = `contract.${randomUUID()}`
      const before = await join([topic], { group })
      await before.until(({ received }) => received.length === texts.length)
      await before.consumer.commit([
        { topic, partition: 0, offset: 4, metadata: 'halfway' },
        { topic, partition: 1, offset: 10 },
      ])
      const unknown = { topic, partition: driver.partitions - 1 }
      const expected: CommittedPosition[] = [
        { topic, partition: 0, offset: 4, metadata: 'halfway' },
        { topic, partition: 1, offset: 10, metadata: undefined },
      ]
      if (driver.partitions > 2) expected.push({ ...unknown, offset: -1, metadata: undefined })
      const told = await before.consumer.committed([...all.slice(0, 2), ...(driver.partitions > 2 ? [unknown] : [])])
      assert.deepEqual(
        told.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata })),
        expected,
      )
      await before.close()
      const after = await join([topic], { group })
      const rest = texts.filter((text) => !['0-0', '0-1', '0-2', '0-3'].includes(text) && !text.startsWith('1-'))
      await after.until(({ received }) => received.length >= rest.length)
      assert.deepEqual(after.texts().toSorted(), rest.toSorted())
      await after.close()
    })

    test('many commits at a time are all confirmed, and the last one counts, however busy polling is', async () => {
      const { topic, texts } = await createTopic(50)
      const group = `contract.${randomUUID()}`
      const member = await join([topic], { group })
      await member.until(({ received }) => received.length === texts.length)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => member.consumer.commit([{ topic, partition: 0, offset: index + 1 }])),
      )
      await member.stop()
      // Nobody polls now.
      await member.consumer.commit([{ topic, partition: 1, offset: 7 }])
      const positions = await member.consumer.committed([
        { topic, partition: 0 },
        { topic, partition: 1 },
      ])
      assert.deepEqual(
        positions.map(({ offset }) => offset),
        [50, 7],
      )
      await refused(member.consumer.commit([{ topic, partition: 99, offset: 1 }]), 'GROUP_REJOIN_REQUIRED')
      await member.consumer.commit([])
      await member.close()
    })

    test('while it is told of partitions, a listener may say where they start, and pause them', async () => {
      const { topic, all } = await createTopic(5)
      const member = await connect()
      member.onAssigned = async (partitions) => {
        for (const partition of partitions) await member.consumer.seek({ ...partition, offset: 3 })
        member.consumer.pause([all[0]!])
      }
      await member.consumer.subscribe([topic])
      member.run()
      await member.until(({ received }) => received.length === 2 * (all.length - 1))
      assert.deepEqual(new Set(member.received.map(({ offset }) => offset)), new Set([3, 4]))
      assert.deepEqual(member.texts(0), [])
      member.consumer.resume([all[0]!])
      await member.until(({ received }) => received.length === 2 * all.length)
      await member.close()
    })

    if (has('rebalances')) {
      test('a second member gets its share once the first has finished and committed it: nothing is lost, nothing comes twice', async () => {
        const { topic, texts, add, all } = await createTopic(20)
        const group = `contract.${randomUUID()}`
        const first = await join([topic], { group })
        await first.until(({ received }) => received.length === texts.length)
        const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
        const { promise: asked, resolve: ask } = Promise.withResolvers<readonly TopicPartition[]>()
        const commitAll = (partitions: readonly TopicPartition[]): Promise<void> =>
          first.consumer.commit(
            partitions.map(({ partition }) => ({ topic, partition, offset: first.texts(partition).length })),
          )
        first.onRevoked = async (partitions) => {
          ask(partitions)
          await drained
          await commitAll(partitions)
        }
        const second = await connect({ group })
        await second.consumer.subscribe([topic])
        second.run()
        const given = await asked
        assert.ok(given.length > 0 && given.length < all.length, `${given.length} of ${all.length} are given up`)
        assert.deepEqual(
          second.told.filter((what) => what !== 'assigned '),
          [],
        )
        drain()
        await second.until(({ told }) => told.some((what) => what !== 'assigned '))
        const numbers = numbersOf(given)
        assert.deepEqual(second.told.at(-1), `assigned ${numbers.join(' ')}`)
        texts.push(...(await add(5)))
        await second.until(() => first.received.length + second.received.length >= texts.length)
        await first.until(() => first.received.length + second.received.length >= texts.length)
        assert.deepEqual([...first.texts(), ...second.texts()].toSorted(), texts.toSorted())
        assert.deepEqual([...new Set(numbersOf(second.received))], numbers)

        const others = all.filter(({ partition }) => !numbers.includes(partition))
        await commitAll(others)
        await first.close()
        await second.until(
          ({ told }) => told.at(-1) === `assigned ${others.map(({ partition }) => partition).join(' ')}`,
        )
        const more = await add(1)
        await second.until(({ received }) => received.length === numbers.length * 6 - numbers.length + more.length)
        assert.deepEqual(second.texts().slice(-more.length).toSorted(), more.toSorted())
        await second.close()
      })
    }

    if (has('empty shares')) {
      test('a member for which no partition is left is told so', async () => {
        const { topic } = await createTopic(1)
        // librdkafka's mock cluster sends away whoever asks for a share after the leader has shared out, and waits for almost a session
        // until all have joined again; that may happen several times in a row.
        const options = { group: `contract.${randomUUID()}`, sessionTimeoutMs: 6000 }
        const places = Array.from({ length: driver.partitions + 1 })
        const members = await Promise.all(places.map(() => join([topic], options)))
        await Promise.all(members.map((member) => member.close()))
      })
    }

    if (has('short sessions')) {
      test('a member that does not poll in time loses its partitions, may not commit them, and joins again', async () => {
        const { topic, texts } = await createTopic(5)
        const options = { group: `contract.${randomUUID()}`, maxPollIntervalMs: 1000, sessionTimeoutMs: 1000 }
        const slow = await join([topic], options)
        await slow.until(({ received }) => received.length >= texts.length)
        await slow.stop()
        const other = await join([topic], { ...options, maxPollIntervalMs: 60_000 })
        await other.until(
          ({ told }) => told.length > 0 && other.received.length === texts.length,
          'the other has taken over',
        )
        await refused(slow.consumer.commit([{ topic, partition: 0, offset: 1 }]), 'GROUP_REJOIN_REQUIRED')
        slow.run()
        // It may have been asked to share before it was given up for dead.
        await slow.until(
          ({ told }) => told.some((what) => what.startsWith('lost')) && told.at(-1)!.startsWith('assigned'),
        )
        const [position] = await other.consumer.committed([{ topic, partition: 0 }])
        assert.equal(position?.offset, -1)
        await Promise.all([slow.close(), other.close()])
      })
    }

    test('from the latest on only what comes later', async () => {
      const { topic, texts, add } = await createTopic(5)
      const member = await join([topic], { startFrom: 'latest' })
      // Where the end is may be looked up only after the partitions are assigned.
      while (member.received.length === 0) await add(1)
      assert.deepEqual(
        member.texts().filter((text) => texts.includes(text)),
        [],
      )
      await member.close()
    })

    test('a pattern means every topic that it matches', async () => {
      const prefix = `contract.${randomUUID()}`
      const [one, two] = [await createTopic(1, `${prefix}.1`), await createTopic(1, `${prefix}.2`)]
      await createTopic(1, `${prefix}.other`)
      const member = await join([new RegExp(`^${prefix.replaceAll('.', String.raw`\.`)}\\.\\d$`)])
      await member.until(({ received }) => received.length >= one.texts.length * 2)
      assert.deepEqual([...new Set(member.received.map(({ topic }) => topic))].toSorted(), [one.topic, two.topic])
      await member.close()
    })

    if (has('transactional offsets')) {
      test('offsets in a transaction are committed with it, not where it is aborted, nor for partitions of others', async () => {
        const transactional = await startTransactional()
        if (transactional === undefined) return
        const { registry } = transactional
        const { topic } = await createTopic(3)
        const member = await join([topic])
        const position = { topic, partition: 0, offset: 2 }
        const committed = async (): Promise<number> => (await member.consumer.committed([position]))[0]!.offset
        const mistake = new Error('mistake')
        const aborted = registry.transaction(async (tx) => {
          await tx.sendOffsets([position], member.consumer)
          throw mistake
        })
        await assert.rejects(aborted, mistake)
        assert.equal(await committed(), -1)
        const foreign = { topic: `${topic}.of-others`, partition: 0, offset: 1 }
        await refused(
          registry.transaction((tx) => tx.sendOffsets([foreign], member.consumer)),
          'GROUP_REJOIN_REQUIRED',
        )
        await registry.transaction((tx) => tx.sendOffsets([position], member.consumer))
        assert.equal(await committed(), 2)
        await Promise.all([member.close(), transactional.close()])
      })

      test('who takes a partition over starts behind an offset that was in an open transaction, once that is committed', async () => {
        const transactional = await startTransactional()
        if (transactional === undefined) return
        const { topic } = await createTopic(3)
        const group = `contract.${randomUUID()}`
        const before = await join([topic], { group })
        const after = await transactional.registry.transaction(async (tx) => {
          await tx.sendOffsets([{ topic, partition: 0, offset: 2 }], before.consumer)
          await before.close()
          const successor = await connect({ group })
          await successor.consumer.subscribe([topic])
          successor.run()
          return successor
        })
        await after.until(({ received }) => received.some(({ partition }) => partition === 0))
        const first = after.received.find(({ partition }) => partition === 0)
        assert.equal(first?.offset, 2)
        await Promise.all([after.close(), transactional.close()])
      })
    }

    if (has('static members')) {
      test('a static member that comes back within its session gets its partitions again, and others hear of nothing', async () => {
        const { topic, texts } = await createTopic(5)
        const group = `contract.${randomUUID()}`
        const other = await join([topic], { group, instanceId: 'other' })
        const before = await join([topic], { group, instanceId: 'restarted' })
        await before.until(({ told }) => told.some((what) => what !== 'assigned '))
        await other.until(({ told }) => told.some((what) => what.startsWith('revoked')))
        const toldBefore = before.told.find((what) => what !== 'assigned ')
        const toldToOther = [...other.told]
        await before.close()
        const after = await join([topic], { group, instanceId: 'restarted' })
        await after.until(({ told }) => told.some((what) => what !== 'assigned '))
        assert.deepEqual(
          after.told.filter((what) => what !== 'assigned '),
          [toldBefore],
        )
        await after.until(({ received }) => received.length > 0)
        assert.deepEqual(other.told, toldToOther)
        assert.ok(other.received.length <= texts.length)
        await Promise.all([after.close(), other.close()])
      })
    }
  })
}

function numbersOf(partitions: readonly TopicPartition[]): number[] {
  return partitions.map(({ partition }) => partition).toSorted((a, b) => a - b)
}

async function refused(call: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await call.then(
    () => assert.fail(`was not refused with ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMessagingError(error, code), String(error))
}
