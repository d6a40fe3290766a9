import { createDriverError } from '../driver-error.ts'
import type { Driver, DriverFailure, DriverMessage, DriverModule, DriverOptions, Settlement } from '../driver.ts'
import { MemoryTransactions } from './memory-transactions.ts'
import { partitionByCrc32, partitionByMurmur2 } from '../partitioners.ts'

export interface MemoryDriverOptions {
  /** Partitions of a topic that is created by its first message. Default 3. */
  readonly partitions?: number
  /** Whether a message to an unknown topic creates it. Default true. */
  readonly autoCreateTopics?: boolean
}

/** A message as it was stored. */
export interface MemoryRecord extends Omit<DriverMessage, 'headers'> {
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
  readonly offset: number
}

/** Decides the fate of a message: a failure, or undefined to store it. */
export type FailureRule = (message: DriverMessage) => DriverFailure | undefined

/** A broker in memory: pass it as `driver`, then look at what arrived and make it fail on purpose. */
export interface MemoryDriver extends DriverModule {
  /** What is stored and not part of an open or aborted transaction, by partition and offset; of one topic or of all. */
  records(topic?: string): readonly MemoryRecord[]
  /** Asks `rule` about every message until the returned function is called. */
  failWhen(rule: FailureRule): () => void
  /** Keeps acknowledgements back until the returned function is called, like a broker that does not answer. */
  hold(): () => void
  /** Makes the next connection attempts fail, one failure each. */
  failConnect(...failures: readonly DriverFailure[]): void
  /** Clients created and not closed yet. */
  readonly openClients: number
  /** Clients ever created. */
  readonly createdClients: number
}

/**
 * A deterministic driver for tests: real partitions, offsets and order, nothing outside the process.
 * Keys go to the partition that Kafka's Java client would choose; messages without key take turns.
 * Acknowledgements come asynchronously, in the order of the messages.
 */
export function createMemoryDriver(options: MemoryDriverOptions = {}): MemoryDriver {
  const { partitions: defaultPartitions = 3, autoCreateTopics = true } = options
  const topics = new Map<string, MemoryRecord[][]>()
  const rules = new Set<FailureRule>()
  const connectFailures: DriverFailure[] = []
  let settlements: (() => void)[] = []
  let holds = 0
  let turn = 0
  let openClients = 0
  let createdClients = 0
  /** Stored, but not committed: a consumer that reads committed messages does not see them. */
  const uncommitted = new Set<MemoryRecord>()
  const identities = new Map<string, MemoryTransactions>()

  function createTopic(topic: string, partitions: number): MemoryRecord[][] {
    const created = Array.from({ length: partitions }, (): MemoryRecord[] => [])
    topics.set(topic, created)
    return created
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
    const stored = topics.get(topic) ?? (autoCreateTopics ? createTopic(topic, defaultPartitions) : undefined)
    if (!stored) return fail({ code: 'TOPIC_NOT_FOUND', reason: `${topic} does not exist` })
    const partition = choosePartition(message, stored.length, driverOptions)
    const records = stored[partition]
    if (!records) return fail({ code: 'PARTITION_NOT_FOUND', reason: `${topic} has ${stored.length} partitions` })
    const timestamp = message.timestamp === 0 ? Date.now() : message.timestamp
    const offset = records.length
    const record = { ...message, headers: message.headers ?? [], partition, timestamp, offset }
    records.push(record)
    if (transactions) {
      uncommitted.add(record)
      transactions.records.push(record)
    }
    settleLater(() => settlement.settle(null, partition, offset, timestamp))
  }

  return {
    name: 'memory',
    needsBrokers: () => false,
    createDriver(driverOptions) {
      const failure = connectFailures.shift()
      if (failure) return Promise.reject(createDriverError(failure))
      openClients++
      createdClients++
      const { transaction } = driverOptions
      let transactions: MemoryTransactions | undefined
      if (transaction !== undefined) {
        identities.get(transaction.id)?.fence()
        transactions = new MemoryTransactions(uncommitted)
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
        ensureTopic({ topic, partitions }) {
          if (!topics.has(topic)) createTopic(topic, partitions === -1 ? defaultPartitions : partitions)
          return Promise.resolve()
        },
      }
      return Promise.resolve(driver)
    },
    records: (topic) =>
      (topic === undefined ? [...topics.values()] : [topics.get(topic) ?? []])
        .flat(2)
        .filter((record) => !uncommitted.has(record)),
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
