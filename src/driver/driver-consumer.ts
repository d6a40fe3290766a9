import type { DriverCredentials, DriverFailure, DriverHeader, DriverModule, DriverOptions } from './driver.ts'

/**
 * The consuming half of the port: a member of a group, or a reader of partitions that were assigned to it by hand.
 * A driver moves bytes and keeps the membership; batches, order, retries and what to commit are decided above.
 */
export interface DriverConsumer {
  /**
   * Joins the group for these topics; a RegExp follows topics as they come and go.
   * Resolves when the subscription is made, not when partitions are assigned. @throws MessagingError
   */
  subscribe(topics: readonly (string | RegExp)[]): Promise<void>
  /** Reads these partitions without a group; `offset` as in `seek`. @throws MessagingError */
  assign(positions: readonly StartPosition[]): Promise<void>
  /**
   * What there is, at most `maxMessages`, in order within each partition; waits for the first one at most `timeoutMs`.
   * Called again at once after it has resolved, for as long as the consumer runs: the membership depends on it where the
   * protocol wants polling, also while every partition is paused. One call at a time; `close` ends it. @throws MessagingError
   */
  poll(maxMessages: number, timeoutMs: number): Promise<readonly ConsumedMessage[]>
  /** Nothing more comes of these partitions, and what was fetched of them is dropped, until `resume` or until they are given up. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** The next message of the partition is the one at this position. @throws MessagingError */
  seek(position: StartPosition): Promise<void>
  /**
   * `offset` is the next to read (last done + 1). Resolves when the broker has it.
   * @throws MessagingError, GROUP_REJOIN_REQUIRED for a partition that the member does not have (any more)
   */
  commit(positions: readonly CommittedPosition[]): Promise<void>
  /** Of the group; -1 where it has none. @throws MessagingError */
  committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedPosition[]>
  /** First offset that is there, and the one that the next message gets. @throws MessagingError */
  watermarks(partition: TopicPartition): Promise<{ readonly low: number; readonly high: number }>
  /** How many partitions a topic has. @throws MessagingError, TOPIC_NOT_FOUND */
  partitionCount(topic: string): Promise<number>
  /** As `Driver.setCredentials`. */
  setCredentials?(credentials: DriverCredentials): void
  /**
   * Leaves the group (a static member stays until its session ends) and releases everything; commits nothing.
   * Called once; the listener hears of nothing any more.
   */
  close(): Promise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A number is an offset; a time is the first message not older than it (ms since 1970). */
export interface StartPosition extends TopicPartition {
  readonly offset: number | 'earliest' | 'latest' | { readonly timestamp: number }
}

export interface CommittedPosition extends TopicPartition {
  readonly offset: number
  /** Told back by `committed`. */
  readonly metadata?: string | undefined
}

export interface ConsumedMessage extends TopicPartition {
  readonly offset: number
  /** Milliseconds since 1970; -1 where unknown. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** null is a tombstone. */
  readonly value: Buffer | null
  readonly headers: readonly DriverHeader[] | undefined
}

/** What a consumer is made from: resolved configuration, secrets still wrapped. */
export interface DriverConsumerOptions extends Pick<
  DriverOptions,
  'brokers' | 'clientId' | 'connectTimeoutMs' | 'tls' | 'sasl' | 'passThrough' | 'statistics'
> {
  readonly group: string
  /** `group.instance.id`: the member keeps its partitions over a restart within its session (KIP-345). */
  readonly instanceId: string | undefined
  /** 'consumer' is KIP-848, where the broker decides about session and assignment. */
  readonly protocol: 'classic' | 'consumer'
  /** Where to start in partitions that the group has no offset of. */
  readonly startFrom: 'earliest' | 'latest'
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** The longest pause between two polls before the member is taken for dead. */
  readonly maxPollIntervalMs: number
  /** 'committed' hides what aborted transactions wrote. */
  readonly isolation: 'committed' | 'uncommitted'
  /** How much is fetched ahead of `poll`, over all partitions. */
  readonly prefetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly listener: DriverConsumerListener
}

/** Told about the membership, while a poll is under way; that poll waits for what it returns. */
export interface DriverConsumerListener {
  /** Partitions come in addition (cooperative rebalancing). Told without any to a new member for which none is left. */
  assigned(partitions: readonly TopicPartition[]): Promise<void> | void
  /** They are given up when this is done: the last moment to finish work and to commit. */
  revoked(partitions: readonly TopicPartition[]): Promise<void> | void
  /** They belong to somebody else already: nothing of them may be committed. */
  lost(partitions: readonly TopicPartition[]): void
  /** Trouble that belongs to no call. With `fatal` the consumer is of no more use. */
  failed(failure: DriverFailure): void
}

/** A driver that consumes too. */
export interface ConsumingDriverModule extends DriverModule {
  /** Connects. @throws MessagingError */
  createConsumer(options: DriverConsumerOptions): Promise<DriverConsumer>
}

/** Of one partition, for people and as a key: a topic has no slash in its name. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

export function canConsume(module: DriverModule): module is ConsumingDriverModule {
  return 'createConsumer' in module
}
