import { createDriverError } from '../driver-error.ts'
import {
  nameOf,
  type CommittedPosition,
  type ConsumedMessage,
  type DriverConsumer,
  type DriverConsumerOptions,
  type StartPosition,
  type TopicPartition,
} from '../driver-consumer.ts'
import type { DriverFailure } from '../driver.ts'
import type { MemoryGroup, MemoryMember, Partitions } from './memory-group.ts'
import type { MemoryRecord, MemoryTopics } from './memory-topics.ts'

/** What a consumer in memory needs of its broker. */
export interface MemoryConsumerSource {
  readonly topics: MemoryTopics
  readonly group: MemoryGroup
  /** The failure that the next commit is to have. */
  readonly nextCommitFailure: () => DriverFailure | undefined
  readonly onClosed: () => void
}

/** Reads topics in memory. The membership changes while it polls, as with Kafka. */
export class MemoryConsumer implements DriverConsumer, MemoryMember {
  topics: readonly (string | RegExp)[] = []
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly owned: Partitions = new Map()
  wanted: Partitions = new Map()

  readonly #source: MemoryConsumerSource
  readonly #options: DriverConsumerOptions
  /** The next offset of each partition that is read. */
  readonly #positions = new Map<string, StartPosition & { offset: number }>()
  readonly #paused = new Set<string>()
  #isMember = false
  #knowsItsShare = false
  #isClosed = false
  #isPolling = false
  #firstPartition = 0
  #idle: NodeJS.Timeout | undefined
  #wake: () => void = () => undefined

  constructor(source: MemoryConsumerSource, options: DriverConsumerOptions) {
    this.#source = source
    this.#options = options
    this.instanceId = options.instanceId
    this.sessionTimeoutMs = options.sessionTimeoutMs
  }

  subscribe(topics: readonly (string | RegExp)[]): Promise<void> {
    this.topics = topics
    this.#join()
    return Promise.resolve()
  }

  async assign(positions: readonly StartPosition[]): Promise<void> {
    for (const position of positions) this.#recordsOf(position)
    this.#forget([...this.#positions.values()])
    for (const position of positions) this.#moveTo(position)
  }

  async poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]> {
    if (this.#isClosed) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'the consumer is closed' })
    if (this.#isPolling) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'poll() is under way already' })
    this.#isPolling = true
    clearTimeout(this.#idle)
    try {
      return await this.#poll(maxMessages, timeoutMs)
    } finally {
      this.#isPolling = false
      this.#watchIdle()
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(nameOf(partition))
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(nameOf(partition))
    this.#wake()
  }

  async seek(position: StartPosition): Promise<void> {
    if (!this.#positions.has(nameOf(position))) {
      throw createDriverError({ code: 'PARTITION_NOT_FOUND', reason: `${nameOf(position)} is not assigned` })
    }
    this.#moveTo(position)
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    const failure = this.#source.nextCommitFailure() ?? this.refusal(positions)
    if (failure) throw createDriverError(failure)
    this.#store(positions)
  }

  /** Why a commit of these cannot be; undefined where it can. */
  refusal(positions: readonly TopicPartition[]): DriverFailure | undefined {
    const foreign = this.#isMember && positions.find((position) => !this.#source.group.owns(this, position))
    if (!foreign) return undefined
    return { code: 'GROUP_REJOIN_REQUIRED', reason: `${nameOf(foreign)} is not assigned (any more)` }
  }

  /** A commit as part of a transaction; the returned function settles it. */
  pend(positions: readonly CommittedPosition[]): (isCommitted: boolean) => void {
    const release = this.#source.group.hold(positions)
    return (isCommitted) => {
      if (isCommitted) this.#store(positions)
      release()
    }
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]> {
    return partitions.map(
      ({ topic, partition }) =>
        this.#source.group.committed.get(nameOf({ topic, partition })) ?? { topic, partition, offset: -1 },
    )
  }

  async watermarks(partition: TopicPartition): Promise<{ readonly low: number; readonly high: number }> {
    return { low: 0, high: this.#recordsOf(partition).length }
  }

  async partitionCount(topic: string): Promise<number> {
    return this.#partitionsOf(topic).length
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    this.#source.group.leave(this)
    this.#wake()
    this.#source.onClosed()
  }

  wake(): void {
    this.#wake()
  }

  fence(): void {
    this.#isClosed = true
    const reason = `another member joined as ${this.instanceId}`
    this.#options.listener.failed({ code: 'GROUP_REJOIN_REQUIRED', reason, retriable: false, fatal: true })
    this.#wake()
  }

  #store(positions: readonly CommittedPosition[]): void {
    for (const position of positions) this.#source.group.committed.set(nameOf(position), position)
  }

  #join(): void {
    this.#isMember = true
    this.#source.group.join(this)
    this.#watchIdle()
  }

  /** A member that does not poll is taken for dead. */
  #watchIdle(): void {
    clearTimeout(this.#idle)
    if (this.#isClosed || this.#isPolling || !this.#isMember) return
    this.#idle = setTimeout(() => this.#source.group.expel(this), this.#options.maxPollIntervalMs)
    this.#idle.unref()
  }

  async #poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]> {
    const { onAppended } = this.#source.topics
    let timer: NodeJS.Timeout | undefined
    let isOver = timeoutMs <= 0
    const appended = (): void => this.#wake()
    onAppended.add(appended)
    try {
      // Messages that are always there must not keep the event loop from anything else.
      await new Promise((resolve) => setImmediate(resolve))
      for (;;) {
        // Before looking, so that nothing that happens from here on is missed.
        const woken = new Promise<void>((resolve) => (this.#wake = resolve))
        if (this.#isMember) await this.#followGroup()
        if (this.#isClosed) return []
        const messages = this.#take(maxMessages)
        if (messages.length > 0 || isOver) return messages
        timer ??= setTimeout(() => {
          isOver = true
          this.#wake()
        }, timeoutMs)
        await woken
      }
    } finally {
      clearTimeout(timer)
      onAppended.delete(appended)
    }
  }

  /** Gives up and takes partitions until there is nothing to change. */
  async #followGroup(): Promise<void> {
    const { group } = this.#source
    const { listener } = this.#options
    while (!this.#isClosed) {
      if (!group.has(this)) {
        const lost = [...this.owned.values()]
        this.owned.clear()
        this.wanted = new Map()
        this.#forget(lost)
        this.#knowsItsShare = false
        if (lost.length > 0) listener.lost(lost)
        group.join(this)
      }
      const revoked = [...this.owned].filter(([name]) => !this.wanted.has(name)).map(([, partition]) => partition)
      if (revoked.length > 0) {
        try {
          await listener.revoked(revoked)
        } finally {
          this.#forget(revoked)
          group.release(this, revoked)
        }
        continue
      }
      const claimed = group.claim(this)
      if (claimed.length === 0) {
        if (this.#knowsItsShare || this.wanted.size > 0) return
        this.#knowsItsShare = true
        await listener.assigned([])
        continue
      }
      this.#knowsItsShare = true
      const { startFrom } = this.#options
      for (const { topic, partition, offset } of await this.committed(claimed)) {
        this.#moveTo({ topic, partition, offset: offset === -1 ? startFrom : offset })
      }
      await listener.assigned(claimed)
    }
  }

  /** As much as there is, from one partition after another, beginning with another one each time. */
  #take(maxMessages: number): MemoryRecord[] {
    const { topics } = this.#source
    const mustBeCommitted = this.#options.isolation === 'committed'
    const taken: MemoryRecord[] = []
    const readable = [...this.#positions].filter(([name]) => !this.#paused.has(name))
    for (let turn = 0; turn < readable.length && taken.length < maxMessages; turn++) {
      const [name, position] = readable[(this.#firstPartition + turn) % readable.length]!
      let { offset } = position
      const records = this.#recordsOf(position)
      for (let record = records[offset]; record && taken.length < maxMessages; record = records[offset]) {
        if (mustBeCommitted && topics.isOpen(record)) break
        offset++
        if (!mustBeCommitted || topics.isCommitted(record)) taken.push(record)
      }
      this.#positions.set(name, { ...position, offset })
    }
    this.#firstPartition++
    return taken
  }

  #moveTo({ topic, partition, offset }: StartPosition): void {
    const records = this.#recordsOf({ topic, partition })
    const found = resolveOffset(records, offset)
    // Beyond the end there is nothing to wait for: the group's policy decides.
    const reachable = found > records.length ? resolveOffset(records, this.#options.startFrom) : found
    this.#positions.set(nameOf({ topic, partition }), { topic, partition, offset: reachable })
    this.#wake()
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#positions.delete(nameOf(partition))
      this.#paused.delete(nameOf(partition))
    }
  }

  #partitionsOf(topic: string): readonly (readonly MemoryRecord[])[] {
    const partitions = this.#source.topics.get(topic)
    if (!partitions) throw createDriverError({ code: 'TOPIC_NOT_FOUND', reason: `${topic} does not exist` }, { topic })
    return partitions
  }

  #recordsOf({ topic, partition }: TopicPartition): readonly MemoryRecord[] {
    const partitions = this.#partitionsOf(topic)
    const records = partitions[partition]
    if (records) return records
    const reason = `${topic} has ${partitions.length} partitions`
    throw createDriverError({ code: 'PARTITION_NOT_FOUND', reason }, { topic })
  }
}

function resolveOffset(records: readonly MemoryRecord[], offset: StartPosition['offset']): number {
  if (typeof offset === 'number') return offset
  if (offset === 'earliest') return 0
  const found = offset === 'latest' ? -1 : records.findIndex(({ timestamp }) => timestamp >= offset.timestamp)
  return found === -1 ? records.length : found
}
