import type { ErrorCode } from '../errors/codes.ts'
import type { GroupMember } from './group-member.ts'
import type { PartitionWork } from './partition-work.ts'
import type { Pause } from './pauses.ts'

export interface ConsumersHealth {
  readonly state: 'running' | 'stopping' | 'stopped'
  /** Each client has answered a poll within the last 30 s: for a liveness probe. A handler that takes long does not count. */
  readonly isAlive: boolean
  /** Each client was told which partitions it has: for a readiness probe. */
  readonly isReady: boolean
  readonly consumers: readonly ConsumerHealth[]
}

export interface ConsumerHealth {
  readonly manifest: string
  readonly group: string
  readonly handled: number
  readonly rejected: number
  readonly deadLettered: number
  /** Of the whole consumer. */
  readonly pauses: readonly Pause[]
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
  readonly isRunning: boolean
  /** Since a message came or was done. */
  readonly idleMs: number
  readonly pauses: readonly Pause[]
}

const aliveMs = 30_000

/** Plain data without keys and payloads. */
export function describeHealth(state: ConsumersHealth['state'], members: readonly GroupMember[]): ConsumersHealth {
  const now = performance.now()
  const isRunning = state === 'running'
  return {
    state,
    isAlive: isRunning && members.every(({ lastPollAt }) => now - lastPollAt < aliveMs),
    isReady: isRunning && members.every(({ hasAssignment }) => hasAssignment),
    consumers: members.flatMap(({ group, consumers, works }) =>
      consumers.map((consumer) => {
        const { plan, ledger, pauses } = consumer
        const { handled, rejected, deadLettered, lastError } = ledger
        return {
          manifest: plan.name,
          group,
          handled,
          rejected,
          deadLettered,
          pauses: pauses.list,
          lastError: lastError && { code: lastError.code, message: lastError.message },
          partitions: works.filter((work) => work.consumer === consumer).map((work) => describePartition(work, now)),
        }
      }),
    ),
  }
}

function describePartition(work: PartitionWork, now: number): PartitionHealth {
  const { topic, partition, position, committed, lag, buffered, isRunning, lastProgressAt, pauseList } = work
  const idleMs = Math.round(now - lastProgressAt)
  return { topic, partition, position, committed, lag, buffered, isRunning, idleMs, pauses: pauseList }
}
