import type { CommittedPosition, ConsumingDriverModule } from '../driver-consumer.ts'
import { createDriverError } from '../driver-error.ts'
import type { Driver, DriverFailure, DriverMessage, DriverOptions, Settlement } from '../driver.ts'
import { partitionByCrc32, partitionByMurmur2 } from '../partitioners.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import { MemoryGroup } from './memory-group.ts'
import { MemoryTopics, type MemoryRecord } from './memory-topics.ts'
import { MemoryTransactions } from './memory-transactions.ts'

export interface MemoryDriverOptions {
  /** Partitions of a topic that is created by its first message. Default 3. */
  readonly partitions?: number
  /** Whether a message to an unknown topic creates it. Default true. */
  readonly autoCreateTopics?: boolean
}

/** Decides the fate of a message: a failure, or undefined to store it. */
export type FailureRule = (message: DriverMessage) => DriverFailure | undefined

/** A broker in memory: pass it as `driver`, then look at what arrived and make it fail on purpose. */
export interface MemoryDriver extends ConsumingDriverModule {
  /** What is stored and not part of an open or aborted transaction, by partition and offset; of one topic or of all. */
  records(topic?: string): readonly MemoryRecord[]
  /** Asks `rule` about every message until the returned function is called. */
  failWhen(rule: FailureRule): () => void
  /** Keeps acknowledgements back until the returned function is called, like a broker that does not answer. */
  hold(): () => void
  /** Makes the next connection attempts fail, one failure each. */
  failConnect(...failures: readonly DriverFailure[]): void
  /** What a group has committed, in the order of the first commits. */
  committed(group: string): readonly CommittedPosition[]
  /** Makes the next commits fail, one failure each. */
  failCommit(...failures: readonly DriverFailure[]): void
  /** Ends the sessions of all members of a group, as though nothing had been heard of them: they lose their partitions. */
  endSessions(group: string): void
  /** Producing and consuming clients that are not closed yet. */
  readonly openClients: number
  /** Producing and consuming clients ever created. */
  readonly createdClients: number
}

/**
 * A deterministic driver for tests: real partitions, offsets and order, nothing outside the process.
 * Keys go to the partition that Kafka's Java client would choose; messages without key take turns.
 * Acknowledgements come asynchronously, in the order of the messages.
 */
export function createMemoryDriver(options: MemoryDriverOptions = {}): MemoryDriver {
  const { partitions: defaultPartitions = 3, autoCreateTopics = true } = options
  const topics = new MemoryTopics()
  const groups = new Map<string, MemoryGroup>()
  const rules = new Set<FailureRule>()
  const connectFailures: DriverFailure[] = []
  const commitFailures: DriverFailure[] = []
  let settlements: (() => void)[] = []
  let holds = 0
  let turn = 0
  let openClients = 0
  let createdClients = 0
  const identities = new Map<string, MemoryTransactions>()

  function groupOf(name: string): MemoryGroup {
    let group = groups.get(name)
    if (!group) groups.set(name, (group = new MemoryGroup(topics)))
    return group
  }

  function connect(): void {
    const failure = connectFailures.shift()
    if (failure) throw createDriverError(failure)
    openClients++
    createdClients++
  }

  function settleLater(settlement: () => void): void {
    settlements.push(settlement)
    if (settlements.length === 1 && holds === 0) setImmediate(settleAll)
  }

  function settleAll(): void {
    if (holds > 0) return
    const due = settlements
    settlements = []
    for (const settle of due) settle()
  }

  function choosePartition({ key, partition }: DriverMessage, count: number, { profile }: DriverOptions): number {
    if (partition >= 0) return partition
    if (key === null || profile.partitioner === 'random') return turn++ % count
    if (profile.partitioner === 'crc32') return key.length === 0 ? turn++ % count : partitionByCrc32(key, count)
    return partitionByMurmur2(key, count)
  }

  function store(
    message: DriverMessage,
    settlement: Settlement,
    driverOptions: DriverOptions,
    transactions: MemoryTransactions | undefined,
  ): void {
    const fail = (failure: DriverFailure): void =>
      settleLater(() => settlement.settle(failure, message.partition, -1, -1))
    for (const rule of rules) {
      const failure = rule(message)
      if (failure) return fail(failure)
    }
    const refusal = transactions?.refusal()
    if (refusal) return fail(refusal)
    const { topic } = message
    const stored = topics.get(topic) ?? (autoCreateTopics ? topics.create(topic, defaultPartitions) : undefined)
    if (!stored) return fail({ code: 'TOPIC_NOT_FOUND', reason: `${topic} does not exist` })
    const partition = choosePartition(message, stored.length, driverOptions)
    if (!stored[partition]) {
      return fail({ code: 'PARTITION_NOT_FOUND', reason: `${topic} has ${stored.length} partitions` })
    }
    const timestamp = message.timestamp === 0 ? Date.now() : message.timestamp
    const record = topics.append(message, partition, timestamp, transactions !== undefined)
    transactions?.records.push(record)
    const { offset } = record
    settleLater(() => settlement.settle(null, partition, offset, timestamp))
  }

  return {
    name: 'memory',
    needsBrokers: () => false,
    async createDriver(driverOptions) {
      connect()
      const { transaction } = driverOptions
      let transactions: MemoryTransactions | undefined
      if (transaction !== undefined) {
        identities.get(transaction.id)?.fence()
        transactions = new MemoryTransactions(topics)
        identities.set(transaction.id, transactions)
      }
      const driver: Driver = {
        transactions,
        capabilities: { copiesValue: false, idempotence: true, workerThreads: true, durable: false },
        produce(message, settlement) {
          store(message, settlement, driverOptions, transactions)
          return true
        },
        flush: () => Promise.resolve(),
        close() {
          openClients--
          return Promise.resolve()
        },
        partitionCount: (topic) => Promise.resolve(topics.get(topic)?.length ?? defaultPartitions),
        ensureTopic({ topic, partitions }) {
          if (!topics.get(topic)) topics.create(topic, partitions === -1 ? defaultPartitions : partitions)
          return Promise.resolve()
        },
      }
      return driver
    },
    async createConsumer(consumerOptions) {
      connect()
      const source = {
        topics,
        group: groupOf(consumerOptions.group),
        nextCommitFailure: () => commitFailures.shift(),
        onClosed: () => void openClients--,
      }
      return new MemoryConsumer(source, consumerOptions)
    },
    records: (topic) =>
      (topic === undefined ? topics.names() : [topic])
        .flatMap((name) => topics.get(name) ?? [])
        .flat()
        .filter((record) => topics.isCommitted(record)),
    committed: (group) => [...(groups.get(group)?.committed.values() ?? [])],
    failCommit: (...failures) => void commitFailures.push(...failures),
    endSessions: (group) => groups.get(group)?.expelAll(),
    failWhen(rule) {
      rules.add(rule)
      return () => void rules.delete(rule)
    },
    hold() {
      holds++
      let held = true
      return () => {
        if (!held) return
        held = false
        holds--
        if (holds === 0) setImmediate(settleAll)
      }
    },
    failConnect: (...failures) => void connectFailures.push(...failures),
    get openClients() {
      return openClients
    },
    get createdClients() {
      return createdClients
    },
  }
}
