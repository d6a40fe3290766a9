import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createMessaging, ProducerManifest, type ConsumerOptions } from '../../src/index.ts'
import { MemberProcess, type MemberSettings, type Numbered } from './member-process.ts'

const brokers = (process.env['KAFKA_BOOTSTRAP'] ?? '').split(',')
const patienceMs = 90_000
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

interface Kind {
  readonly name: string
  readonly driver: 'confluent' | 'platformatic'
  readonly protocol: 'classic' | 'consumer'
}

const kinds: readonly Kind[] = [
  { name: 'confluent', driver: 'confluent', protocol: 'classic' },
  { name: 'confluent with the protocol of KIP-848', driver: 'confluent', protocol: 'consumer' },
  { name: 'platformatic', driver: 'platformatic', protocol: 'classic' },
]

/** A topic that is sent to until `end`, and members of its group. */
async function setUp({ driver, protocol }: Kind, partitions: number, consumer: ConsumerOptions = {}) {
  const topic = `membership.${randomUUID()}`
  class Sent extends ProducerManifest<Numbered> {
    override readonly topic = topic
    override readonly createTopic = 'if-missing'
    override readonly topicConfig = { partitions }
  }
  const messaging = createMessaging({ brokers, closeOnExit: false }, {})
  const members: MemberProcess[] = []
  let sent = 0
  let isSending = true
  await messaging.registry.send(Sent, { n: sent++ }, { partition: 0 })
  const sending = (async () => {
    while (isSending) {
      const payloads = range(partitions).map(() => ({ n: sent++ }))
      await Promise.all(
        payloads.map((payload) => messaging.registry.send(Sent, payload, { partition: payload.n % partitions })),
      )
      await delay(50)
    }
  })()
  const settings: MemberSettings = {
    topic,
    workMs: 5,
    driver,
    brokers,
    consumer: {
      group: topic,
      protocol,
      heartbeatIntervalMs: 200,
      sessionTimeoutMs: 30_000,
      lagIntervalMs: 60_000,
      ...consumer,
    },
  }
  return {
    members,
    start(more: ConsumerOptions = {}): MemberProcess {
      const member = new MemberProcess({ ...settings, consumer: { ...settings.consumer, ...more } })
      members.push(member)
      return member
    },
    partitionOf: (n: number) => n % partitions,
    /** Ends sending; each number of a message that was handled, as often as it was, once all were at least once. */
    async end(): Promise<number[]> {
      isSending = false
      await sending
      const handled = (): number[] => members.flatMap((member) => member.numbers('handled'))
      const missing = (): number[] => {
        const done = new Set(handled())
        return range(sent).filter((n) => !done.has(n))
      }
      const deadline = performance.now() + patienceMs
      while (missing().length > 0) {
        if (performance.now() > deadline) {
          const waiting = missing()
            .slice(0, 20)
            .map((n) => `${n} of partition ${n % partitions}`)
          const owned = members.map((member) => member.partitions.join(' '))
          throw new Error(`of ${sent} never handled: ${waiting.join(', ')}…; members have ${JSON.stringify(owned)}`)
        }
        await delay(50)
      }
      return handled().toSorted((a, b) => a - b)
    },
    get sent() {
      return sent
    },
    async [Symbol.asyncDispose]() {
      isSending = false
      await Promise.all([sending, ...members.map((member) => member.kill())])
      await messaging.close()
    },
  }
}

describe.each(kinds)('members of a group, $name', (kind) => {
  test('a static member restarts within its session: the others hear of nothing, and no message comes twice', async () => {
    await using group = await setUp(kind, 6)
    const [one, two, three] = range(3).map((index) => group.start({ instanceId: `member-${index}` })) as [
      MemberProcess,
      MemberProcess,
      MemberProcess,
    ]
    const others = [one, three]
    await Promise.all(group.members.map((member) => member.until(({ partitions }) => partitions.length === 2)))
    const changes = () => others.map((member) => member.numbers('assigned', 'revoked', 'lost'))
    const before = changes()
    const { partitions } = two
    await two.stop()
    const again = group.start({ instanceId: 'member-1' })
    await again.until((member) => member.partitions.length === 2 && member.numbers('handled').length > 0)
    expect(again.partitions).toEqual(partitions)
    expect(await group.end()).toEqual(range(group.sent))
    expect(changes()).toEqual(before)
  })

  test(
    'ten members are deployed one after another: every message is handled, and none twice',
    // Twenty processes start, one after the other: what takes too long says so itself.
    { timeout: 600_000 },
    async () => {
      await using group = await setUp(kind, 20)
      for (let index = 0; index < 10; index++) group.start()
      await Promise.all(group.members.map((member) => member.until(({ partitions }) => partitions.length === 2)))
      for (const member of group.members.slice()) {
        await member.stop()
        await group.start().until(({ partitions }) => partitions.length > 0)
      }
      expect(await group.end()).toEqual(range(group.sent))
      expect(group.members.flatMap((member) => member.numbers('lost'))).toEqual([])
      await Promise.all(group.members.slice(-10).map((member) => member.stop()))
    },
  )

  test('a member is killed: every message is handled, and only what it had under way comes twice', async () => {
    await using group = await setUp(kind, 8, { commit: 'each', sessionTimeoutMs: 3000 })
    for (let index = 0; index < 4; index++) group.start()
    await Promise.all(group.members.map((member) => member.until(({ partitions }) => partitions.length === 2)))
    const [killed] = group.members as [MemberProcess]
    const handledBefore = killed.numbers('handled').length
    await killed.until((member) => member.numbers('handled').length > handledBefore + 20)
    await killed.kill()
    await group.start().until(({ partitions }) => partitions.length > 0)
    const handled = await group.end()
    expect([...new Set(handled)]).toEqual(range(group.sent))
    // One message of each partition is under way at a time.
    const lastBegun = killed.partitions.map((partition) =>
      killed.numbers('began').findLast((n) => group.partitionOf(n) === partition),
    )
    const twice = handled.filter((n, index) => handled[index - 1] === n)
    expect(lastBegun).toEqual(expect.arrayContaining(twice))
    expect(new Set(twice).size).toBe(twice.length)
    await Promise.all(group.members.slice(1).map((member) => member.stop()))
  })
})
