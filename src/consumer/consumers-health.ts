import type { ErrorCode } from '../errors/codes.ts'
import type { MessagingError } from '../errors/messaging-error.ts'
import type { GroupMember } from './membership/group-member.ts'
import type { PartitionWork } from './partition/partition-work.ts'
import type { Pause } from './partition/pauses.ts'

export interface ConsumersHealth {
  /** `idle`: none was started yet. */
  readonly state: 'idle' | 'starting' | 'running' | 'stopping' | 'stopped'
  /**
   * Progress is made, for a liveness probe: each client has answered a poll within the last 30 s, no partition stays without messages
   * that are there (`stuckMs`) even with a new client, no handler is hung (`hungMs`), and none was stopped by a failure.
   */
  readonly isAlive: boolean
  /** Each client was told which partitions it has, if only that it has none: for a readiness probe. */
  readonly isReady: boolean
  /** Why it is not alive or not ready, one sentence each. */
  readonly problems: readonly string[]
  readonly consumers: readonly ConsumerHealth[]
}

export interface ConsumerHealth {
  readonly manifest: string
  readonly group: string
  readonly handled: number
  readonly rejected: number
  /** Failed attempts after which another one was put off. */
  readonly deferred: number
  /** Left out, since they were handled before. */
  readonly deduplicated: number
  readonly deadLettered: number
  /** Of the whole consumer. */
  readonly pauses: readonly PauseHealth[]
  readonly lastError: { readonly code: ErrorCode; readonly message: string } | undefined
  readonly partitions: readonly PartitionHealth[]
}

export interface PartitionHealth {
  readonly topic: string
  readonly partition: number
  /** The next offset to be handled; undefined while nothing of it is done. */
  readonly position: number | undefined
  readonly committed: number | undefined
  /** As last measured; undefined before. */
  readonly lag: number | undefined
  /** Messages that wait for the handler. */
  readonly buffered: number
  /** Of messages that wait or are not done: key, value, headers, and 1 KiB for each. */
  readonly heldBytes: number
  readonly isRunning: boolean
  /** Since the handler got something done, or began; undefined while it has nothing, waits or is held back. */
  readonly handlingMs: number | undefined
  /** Since a message came or was done. */
  readonly idleMs: number
  readonly pauses: readonly PauseHealth[]
}

export interface PauseHealth extends Pause {
  readonly ageMs: number
}

const aliveMs = 30_000

/** Plain data without keys and payloads. */
export function describeHealth(state: ConsumersHealth['state'], members: readonly GroupMember[]): ConsumersHealth {
  const now = performance.now()
  const standing = members.flatMap((member) => describeStandstill(member, now))
  const unready = members.filter(({ hasAssignment }) => !hasAssignment)
  return {
    state,
    isAlive: state !== 'stopped' && standing.length === 0,
    isReady: state === 'running' && unready.length === 0,
    problems: [
      ...standing,
      ...unready.map(({ group }) => `Group ${group} has not said yet which partitions are ours.`),
    ],
    consumers: members.flatMap(({ group, consumers, works }) =>
      consumers.map((consumer) => {
        const { plan, ledger, pauses } = consumer
        const { handled, rejected, deferred, deduplicated, deadLettered, lastError } = ledger
        return {
          manifest: plan.name,
          group,
          handled,
          rejected,
          deferred,
          deduplicated,
          deadLettered,
          pauses: withAge(pauses.list),
          lastError: lastError && { code: lastError.code, message: lastError.message },
          partitions: works.filter((work) => work.consumer === consumer).map((work) => describePartition(work, now)),
        }
      }),
    ),
  }
}

/** What several runs of one instance say together. @param failures of those that a message stopped */
export function mergeHealth(
  runs: readonly ConsumersHealth[],
  { isStarting, hasRun, failures }: { isStarting: boolean; hasRun: boolean; failures: readonly MessagingError[] },
): ConsumersHealth {
  const isIdle = runs.length === 0
  const state = isStarting ? 'starting' : isIdle ? (hasRun ? 'stopped' : 'idle') : undefined
  const failed = failures.map(({ manifest, code }) => `${manifest ?? 'A consumer'} was stopped by ${code}.`)
  return {
    state: state ?? (runs.some((run) => run.state === 'running') ? 'running' : 'stopping'),
    isAlive: state !== 'stopped' && failed.length === 0 && runs.every(({ isAlive }) => isAlive),
    isReady: !isStarting && !isIdle && runs.every(({ isReady }) => isReady),
    problems: [...failed, ...runs.flatMap(({ problems }) => problems)],
    consumers: runs.flatMap(({ consumers }) => consumers),
  }
}

function describeStandstill({ group, lastPollAt, works }: GroupMember, now: number): string[] {
  const unansweredMs = now - lastPollAt
  const seconds = (ms: number): number => Math.round(ms / 1_000)
  return [
    ...(unansweredMs < aliveMs
      ? []
      : [`The client of group ${group} answered no poll for ${seconds(unansweredMs)} s.`]),
    ...works.flatMap((work) => {
      const where = `partition ${work.partition} of ${work.topic}`
      const { name, config } = work.consumer.plan
      const { handlingMs } = describePartition(work, now)
      const isHung = config.hungMs > 0 && handlingMs !== undefined && handlingMs >= config.hungMs
      return [
        ...(work.isStuck ? [`${name} gets nothing of ${where}, though messages are there.`] : []),
        ...(isHung ? [`The handler of ${name} has got nothing done in ${where} for ${seconds(handlingMs)} s.`] : []),
      ]
    }),
  ]
}

function describePartition(work: PartitionWork, now: number): PartitionHealth {
  const {
    topic,
    partition,
    progress: { reached: position, committed },
    lag,
    buffered,
    isRunning,
    lastProgressAt,
    pauseList,
    handlingSince,
  } = work
  const idleMs = Math.round(now - lastProgressAt)
  const isHandling = isRunning && handlingSince !== undefined && pauseList.length === 0 && !work.isPaused
  const handlingMs = isHandling ? Math.round(now - handlingSince) : undefined
  const pauses = withAge(pauseList)
  const heldBytes = work.readAhead.held
  return { topic, partition, position, committed, lag, buffered, heldBytes, isRunning, handlingMs, idleMs, pauses }
}

function withAge(pauses: readonly Pause[]): PauseHealth[] {
  return pauses.map((pause) => ({ ...pause, ageMs: Date.now() - pause.since }))
}
