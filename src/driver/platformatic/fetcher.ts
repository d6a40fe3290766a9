import { nameOf, type ConsumedMessage, type DriverConsumerOptions, type TopicPartition } from '../driver-consumer.ts'
import type { DriverFailure } from '../driver.ts'
import type { BrokerConnection, FetchRequest } from './broker-connection.ts'
import type { Cluster } from './cluster.ts'
import type { FetchedPartition } from './fetch-answer.ts'
import type { PartitionFeed } from './partition-feed.ts'
import type { PartitionLeaders } from './partition-leaders.ts'
import type { LibraryCompression } from './platformatic-module.ts'
import { RecordReader } from './record-reader.ts'

export interface FetcherParts {
  readonly cluster: Pick<Cluster, 'openAnother' | 'failureOf' | 'failureOfNumber'>
  readonly leaders: PartitionLeaders
  readonly compressions: ReadonlyMap<number, LibraryCompression>
  readonly options: Pick<DriverConsumerOptions, 'isolation' | 'prefetchMaxBytes' | 'fetchMaxWaitMs' | 'startFrom'>
  /** Finds the positions of feeds whose start is known. Rejects with what went wrong. */
  readonly locate: (feeds: readonly PartitionFeed[]) => Promise<void>
  /** There is something to take. */
  readonly arrived: () => void
  readonly fail: (failure: DriverFailure) => void
}

interface Leader {
  connection: BrokerConnection | undefined
  isBusy: boolean
  /** Which of its partitions is asked for first: a large one must not keep the others waiting. */
  turn: number
}

const mebibyte = 1_048_576
const answerMaxBytes = 4 * mebibyte
const partitionMaxBytes = mebibyte
/** How long a broker may wait for messages while another of its partitions has enough: that one is to be asked for soon. */
const shortWaitMs = 20
/** How much longer than the broker may wait an answer may take. */
const slackMs = 30_000
const tryAgainMs = { first: 100, most: 5000 }
const offsetOutOfRange = 1
/** Another broker leads the partition, or will do so soon. */
const led: ReadonlySet<number> = new Set([3, 5, 6, 9, 74, 75, 100, 103])

/** Keeps so much of each partition at hand that nobody waits, and never more than `prefetchMaxBytes` and an answer. */
export class Fetcher {
  readonly #parts: FetcherParts
  #feeds: readonly PartitionFeed[] = []
  readonly #byName = new Map<string, PartitionFeed>()
  readonly #leaders = new Map<number, Leader>()
  #turn = 0
  #again: NodeJS.Timeout | undefined
  #againAtMs = Infinity
  #isClosed = false

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  get(partition: TopicPartition): PartitionFeed | undefined {
    return this.#byName.get(nameOf(partition))
  }

  add(feed: PartitionFeed): void {
    this.#byName.set(nameOf(feed), feed)
    this.#feeds = [...this.#byName.values()]
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.get(partition)?.drop()
      this.#byName.delete(nameOf(partition))
    }
    this.#feeds = [...this.#byName.values()]
  }

  /** What is there, from one partition after another, beginning with another one each time. */
  take(max: number): ConsumedMessage[] {
    const taken: ConsumedMessage[] = []
    const feeds = this.#feeds
    for (let index = 0; index < feeds.length && taken.length < max; index++) {
      const feed = feeds[(this.#turn + index) % feeds.length]!
      if (feed.isPaused || feed.isEmpty) continue
      try {
        feed.take(max, taken)
        feed.failures = 0
      } catch (error) {
        feed.drop()
        this.#putOff(feed, this.#unreadable(feed, error as Error))
      }
    }
    this.#turn++
    if (taken.length > 0) this.fetch()
    return taken
  }

  /** Asks for whatever is missing. */
  fetch(): void {
    if (this.#isClosed) return
    const nowMs = performance.now()
    const { leaders, options } = this.#parts
    const reading = this.#feeds.filter((feed) => !feed.isPaused)
    const shareBytes = options.prefetchMaxBytes / Math.max(1, reading.length)
    const ready = new Map<number, PartitionFeed[]>()
    const full = new Set<number>()
    const unled: PartitionFeed[] = []
    const unlocated: PartitionFeed[] = []
    for (const feed of reading) {
      if (feed.byteLength >= shareBytes) full.add(leaders.leaderOf(feed))
      if (feed.isOnTheWire || feed.isLocating || feed.byteLength >= shareBytes) continue
      if (feed.notBeforeMs > nowMs) this.#fetchAgainAt(feed.notBeforeMs)
      else if (feed.position === undefined) {
        if (feed.start !== undefined) unlocated.push(feed)
      } else {
        const leader = leaders.leaderOf(feed)
        const of = ready.get(leader)
        if (leader < 0) unled.push(feed)
        else if (of) of.push(feed)
        else ready.set(leader, [feed])
      }
    }
    if (unlocated.length > 0) void this.#locate(unlocated)
    if (unled.length > 0) void this.#lead(unled)
    for (const [nodeId, feeds] of ready) {
      this.#fetchFrom(
        nodeId,
        feeds,
        full.has(nodeId) ? Math.min(shortWaitMs, options.fetchMaxWaitMs) : options.fetchMaxWaitMs,
      )
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#again)
    for (const { connection } of this.#leaders.values()) connection?.abort()
  }

  #fetchFrom(nodeId: number, feeds: readonly PartitionFeed[], maxWaitMs: number): void {
    let leader = this.#leaders.get(nodeId)
    if (!leader) this.#leaders.set(nodeId, (leader = { connection: undefined, isBusy: false, turn: 0 }))
    if (leader.isBusy) return
    if (!leader.connection?.isOpen) return void this.#connect(nodeId, leader, feeds)
    const heldBytes = this.#feeds.reduce((sum, { byteLength }) => sum + byteLength, 0)
    // An answer that waits for messages must not keep other brokers from giving theirs, so each may ask for its part.
    const room = (this.#parts.options.prefetchMaxBytes - heldBytes) / this.#leaders.size
    const maxBytes = Math.min(answerMaxBytes, Math.floor(room))
    if (maxBytes > 0) void this.#ask(leader, leader.connection, feeds, { maxBytes, maxWaitMs })
  }

  async #connect(nodeId: number, leader: Leader, feeds: readonly PartitionFeed[]): Promise<void> {
    const { cluster, leaders, options } = this.#parts
    leader.isBusy = true
    try {
      if (!(await leader.connection?.becomesOpen())) {
        leader.connection = await cluster.openAnother(nodeId, options.fetchMaxWaitMs + slackMs)
        if (this.#isClosed) leader.connection.abort()
      }
    } catch (error) {
      if (this.#isClosed) return
      this.#putOffAll(feeds, cluster.failureOf(error))
      await leaders.refresh(topicsOf(feeds)).catch(() => undefined)
    }
    leader.isBusy = false
    this.fetch()
  }

  async #ask(
    leader: Leader,
    connection: BrokerConnection,
    ready: readonly PartitionFeed[],
    { maxBytes, maxWaitMs }: Pick<FetchRequest, 'maxBytes' | 'maxWaitMs'>,
  ): Promise<void> {
    const { cluster, leaders, options } = this.#parts
    const turn = leader.turn++ % ready.length
    const feeds = [...ready.slice(turn), ...ready.slice(0, turn)]
    const versions = new Map(feeds.map((feed) => [feed, feed.version]))
    const partitions = feeds.map(({ topic, partition, fetchOffset: offset }) => ({
      topic,
      partition,
      offset: offset!,
      maxBytes: Math.min(partitionMaxBytes, maxBytes),
    }))
    leader.isBusy = true
    for (const feed of feeds) feed.isOnTheWire = true
    try {
      const answer = await connection.fetch({
        maxWaitMs,
        maxBytes,
        isCommittedOnly: options.isolation === 'committed',
        partitions,
      })
      if (answer.errorCode !== 0) this.#putOffAll(feeds, cluster.failureOfNumber(answer.errorCode))
      for (const fetched of answer.partitions) {
        const feed = this.get(fetched)
        if (feed && feed.version === versions.get(feed)) this.#store(feed, fetched)
      }
    } catch (error) {
      connection.abort()
      if (!this.#isClosed) {
        this.#putOffAll(feeds, cluster.failureOf(error))
        await leaders.refresh(topicsOf(feeds)).catch(() => undefined)
      }
    }
    leader.isBusy = false
    for (const feed of feeds) feed.isOnTheWire = false
    this.fetch()
  }

  #store(feed: PartitionFeed, { errorCode, aborted, records }: FetchedPartition): void {
    const { cluster, compressions, options } = this.#parts
    const position = feed.fetchOffset!
    if (errorCode === offsetOutOfRange) {
      const reason = `${nameOf(feed)} has no offset ${position} (any more); it is read from the ${options.startFrom} on`
      this.#parts.fail({ code: 'OFFSET_UNAVAILABLE', driverCode: errorCode, reason, retriable: false })
      feed.findAt(options.startFrom)
    } else if (errorCode !== 0) {
      this.#putOff(feed, led.has(errorCode) ? undefined : cluster.failureOfNumber(errorCode, nameOf(feed)))
      if (led.has(errorCode)) void this.#lead([feed])
    } else if (records.length === 0) {
      feed.failures = 0
    } else {
      const wanted = options.isolation === 'committed' ? aborted : undefined
      try {
        const reader = new RecordReader({ partition: feed, compressions, bytes: records, position, aborted: wanted })
        // Not even one batch had room.
        if (reader.isDone) return this.#putOff(feed, undefined)
        feed.add(reader)
        this.#parts.arrived()
      } catch (error) {
        this.#putOff(feed, this.#unreadable(feed, error as Error))
      }
    }
  }

  async #locate(feeds: readonly PartitionFeed[]): Promise<void> {
    for (const feed of feeds) feed.isLocating = true
    try {
      await this.#parts.locate(feeds)
    } catch (error) {
      if (this.#isClosed) return
      this.#putOffAll(feeds, this.#parts.cluster.failureOf(error))
    } finally {
      for (const feed of feeds) feed.isLocating = false
    }
    this.fetch()
  }

  async #lead(feeds: readonly PartitionFeed[]): Promise<void> {
    const { cluster, leaders } = this.#parts
    for (const feed of feeds) feed.isLocating = true
    try {
      await leaders.refresh(topicsOf(feeds))
      for (const feed of feeds) if (leaders.leaderOf(feed) < 0) this.#putOff(feed, leaders.failureOf(feed))
    } catch (error) {
      if (this.#isClosed) return
      this.#putOffAll(feeds, cluster.failureOf(error))
    } finally {
      for (const feed of feeds) feed.isLocating = false
    }
    this.fetch()
  }

  /** Tried again after a while, longer each time; told where there is something to tell. */
  #putOff(feed: PartitionFeed, failure: DriverFailure | undefined): void {
    const waitMs = Math.min(tryAgainMs.most, tryAgainMs.first * 2 ** Math.min(feed.failures++, 10))
    feed.notBeforeMs = performance.now() + waitMs
    this.#fetchAgainAt(feed.notBeforeMs)
    if (failure) this.#parts.fail(failure)
  }

  /** One cause, told once. */
  #putOffAll(feeds: readonly PartitionFeed[], failure: DriverFailure): void {
    for (const feed of feeds) this.#putOff(feed, undefined)
    this.#parts.fail(failure)
  }

  #fetchAgainAt(atMs: number): void {
    if (atMs >= this.#againAtMs) return
    this.#againAtMs = atMs
    clearTimeout(this.#again)
    this.#again = setTimeout(
      () => {
        this.#againAtMs = Infinity
        this.fetch()
      },
      Math.max(1, atMs - performance.now()),
    )
    this.#again.unref()
  }

  #unreadable(feed: PartitionFeed, { message }: Error): DriverFailure {
    const reason = `the messages of ${nameOf(feed)} from offset ${feed.fetchOffset} on cannot be read: ${message}`
    return { code: 'DRIVER_FAILED', reason, retriable: true }
  }
}

function topicsOf(feeds: readonly PartitionFeed[]): string[] {
  return [...new Set(feeds.map(({ topic }) => topic))]
}
