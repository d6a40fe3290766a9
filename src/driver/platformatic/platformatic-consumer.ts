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
import type { DriverCredentials, DriverFailure } from '../driver.ts'
import { withinTime } from '../../timing/within-time.ts'
import { BrokerMembership } from './broker-membership.ts'
import { ClassicMembership } from './classic-membership.ts'
import type { Cluster } from './cluster.ts'
import { toMessagingError } from './failed-request.ts'
import { Fetcher } from './fetcher.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { locateFeeds } from './locate-feeds.ts'
import { MembershipChanges } from './membership-changes.ts'
import type { Membership } from './membership.ts'
import { OffsetCommits } from './offset-commits.ts'
import { OffsetLookup } from './offset-lookup.ts'
import { PartitionFeed } from './partition-feed.ts'
import { PartitionLeaders } from './partition-leaders.ts'
import { withPatience, type Patience } from './patience.ts'
import type { PlatformaticModule } from './platformatic-module.ts'
import { Subscription } from './subscription.ts'

const closeWithinMs = 5000

/** A consumer on the connections and the protocol of @platformatic/kafka. */
export class PlatformaticConsumer implements DriverConsumer {
  readonly #library: PlatformaticModule
  readonly #cluster: Cluster
  readonly #options: DriverConsumerOptions
  readonly #patience: Patience
  readonly #coordinator: GroupCoordinator
  readonly #lookup: OffsetLookup
  readonly #fetcher: Fetcher
  readonly #commits: OffsetCommits
  readonly #owned = new Map<string, TopicPartition>()
  #subscription: Subscription | undefined
  #membership: Membership | undefined
  readonly #changes: MembershipChanges

  #isPolling = false
  #idle: NodeJS.Timeout | undefined
  #wake: () => void = () => undefined
  #fatal: DriverFailure | undefined
  readonly #ending = new AbortController()
  #closing: Promise<void> | undefined

  constructor(library: PlatformaticModule, cluster: Cluster, options: DriverConsumerOptions) {
    const { group, instanceId, isolation, connectTimeoutMs } = options
    this.#library = library
    this.#cluster = cluster
    this.#options = options
    const patience = (this.#patience = { cluster, timeoutMs: connectTimeoutMs, signal: this.#ending.signal })
    const leaders = new PartitionLeaders(cluster)
    const coordinator = (this.#coordinator = new GroupCoordinator({ ...patience, cluster, group }))
    this.#lookup = new OffsetLookup({ ...patience, cluster, leaders, isolation })
    this.#fetcher = new Fetcher({
      cluster,
      leaders,
      options,
      compressions: new Map(Object.values(library.compressionsAlgorithms).map((each) => [each.bitmask, each])),
      locate: (feeds) => locateFeeds(feeds, coordinator, this.#lookup, options.startFrom),
      arrived: () => this.#wake(),
      fail: this.fail,
    })
    this.#changes = new MembershipChanges({
      listener: options.listener,
      take: (partitions) => this.#own(partitions),
      begin: (partitions) => this.#begin(partitions),
      giveUp: (partitions) => this.#forget(partitions),
      arrived: () => this.#wake(),
    })
    this.#commits = new OffsetCommits({
      ...patience,
      coordinator,
      group,
      instanceId,
      membership: () => this.#membership,
      owns: (partition) => this.#owned.has(nameOf(partition)),
    })
  }

  async subscribe(topics: readonly (string | RegExp)[]): Promise<void> {
    this.#refuseUseless()
    this.#subscription?.close()
    const subscription = (this.#subscription = new Subscription({
      cluster: this.#cluster,
      topics,
      changed: () => this.#membership?.topicsChanged(),
      fail: this.fail,
    }))
    await this.#answered(withPatience(this.#patience, () => subscription.start()))
    if (this.#closing) return
    if (this.#membership) return this.#membership.topicsChanged()
    const Protocol = this.#options.protocol === 'consumer' ? BrokerMembership : ClassicMembership
    const membership = new Protocol({
      library: this.#library,
      cluster: this.#cluster,
      coordinator: this.#coordinator,
      subscription: () => this.#subscription!,
      options: this.#options,
      host: {
        revoke: (partitions) => this.#changes.add('revoked', partitions),
        assign: (partitions) => void this.#changes.add('assigned', partitions),
        lose: () => this.#changes.lose([...this.#owned.values()]),
        fail: this.fail,
      },
    })
    this.#membership = membership
    membership.start()
    this.#watchIdle()
  }

  async assign(positions: readonly StartPosition[]): Promise<void> {
    this.#refuseUseless()
    const found = await this.#answered(this.#lookup.check(positions).then(() => this.#lookup.find(positions)))
    this.#forget([...this.#owned.values()])
    this.#own(found)
    for (const position of found) this.#fetcher.get(position)!.moveTo(position.offset)
    this.#fetcher.fetch()
  }

  async poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]> {
    this.#refuseUseless()
    if (this.#isPolling) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'poll() is under way already' })
    this.#isPolling = true
    clearTimeout(this.#idle)
    this.#membership?.polled()
    try {
      return await this.#poll(maxMessages, timeoutMs)
    } finally {
      this.#isPolling = false
      this.#watchIdle()
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const feed = this.#fetcher.get(partition)
      feed?.drop()
      if (feed) feed.isPaused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const feed = this.#fetcher.get(partition)
      if (feed) feed.isPaused = false
    }
    this.#fetcher.fetch()
  }

  async seek(position: StartPosition): Promise<void> {
    this.#refuseUseless()
    const name = nameOf(position)
    const feed = this.#fetcher.get(position)
    if (!feed) throw createDriverError({ code: 'PARTITION_NOT_FOUND', reason: `${name} is not assigned` })
    const [found] = await this.#answered(this.#lookup.find([position]))
    if (this.#fetcher.get(position) !== feed) return
    feed.moveTo(found!.offset)
    this.#fetcher.fetch()
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    this.#refuseUseless()
    await this.#answered(this.#commits.commit(positions))
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]> {
    this.#refuseUseless()
    return this.#answered(this.#coordinator.committed(partitions))
  }

  async watermarks({ topic, partition }: TopicPartition): Promise<{ readonly low: number; readonly high: number }> {
    this.#refuseUseless()
    // Where the next message goes, whatever of it is committed.
    const ends = (['earliest', 'latest'] as const).map((offset) => ({ topic, partition, offset }))
    const [low, high] = await this.#answered(Promise.all(ends.map((end) => this.#lookup.find([end], 'uncommitted'))))
    return { low: low![0]!.offset, high: high![0]!.offset }
  }

  async partitionCount(topic: string): Promise<number> {
    this.#refuseUseless()
    const found = (await this.#answered(this.#cluster.metadata([topic]))).get(topic)
    if (found?.leaders.length) return found.leaders.length
    throw createDriverError({ code: 'TOPIC_NOT_FOUND', reason: `${topic} does not exist` }, { topic })
  }

  setCredentials(credentials: DriverCredentials): void {
    this.#cluster.setCredentials(credentials)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** Trouble that belongs to no call. */
  readonly fail = (failure: DriverFailure): void => {
    if (this.#closing || this.#fatal) return
    if (failure.fatal === true) this.#fatal = failure
    this.#options.listener.failed(failure)
    if (this.#fatal) this.#wake()
  }

  async #poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]> {
    let timer: NodeJS.Timeout | undefined
    let isOver = timeoutMs <= 0
    try {
      // Messages that are always there must not keep the event loop from anything else, heartbeats among it.
      await new Promise((resolve) => setImmediate(resolve))
      for (;;) {
        // Before looking, so that nothing that happens from here on is missed.
        const woken = new Promise<void>((resolve) => (this.#wake = resolve))
        await this.#changes.tell()
        if (this.#closing) return []
        if (this.#fatal) throw createDriverError(this.#fatal)
        const messages = this.#fetcher.take(maxMessages)
        if (messages.length > 0 || isOver) return messages
        timer ??= setTimeout(() => {
          isOver = true
          this.#wake()
        }, timeoutMs)
        await woken
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #own(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      this.#owned.set(nameOf({ topic, partition }), { topic, partition })
      this.#fetcher.add(new PartitionFeed({ topic, partition }))
    }
  }

  #begin(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const feed = this.#fetcher.get(partition)
      if (feed && feed.position === undefined) feed.start ??= 'committed'
    }
    this.#fetcher.fetch()
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#owned.delete(nameOf(partition))
    this.#fetcher.remove(partitions)
  }

  /** A member that does not poll is taken for dead. */
  #watchIdle(): void {
    clearTimeout(this.#idle)
    if (this.#closing || this.#isPolling || !this.#membership) return
    this.#idle = setTimeout(() => this.#membership?.expel(), this.#options.maxPollIntervalMs)
    this.#idle.unref()
  }

  #answered<Value>(request: Promise<Value>): Promise<Value> {
    return request.catch((thrown: unknown) => {
      throw toMessagingError(thrown, (error) => this.#cluster.failureOf(error))
    })
  }

  #refuseUseless(): void {
    if (this.#closing) throw createDriverError({ code: 'DRIVER_FAILED', reason: 'the consumer is closed' })
    if (this.#fatal) throw createDriverError(this.#fatal)
  }

  async #close(): Promise<void> {
    clearTimeout(this.#idle)
    this.#subscription?.close()
    this.#fetcher.close()
    this.#ending.abort()
    this.#changes.close()
    // Not before everybody sees that it closes.
    await Promise.resolve()
    this.#wake()
    if (this.#membership) await withinTime(this.#membership.leave(), closeWithinMs)
    await this.#cluster.close()
  }
}
