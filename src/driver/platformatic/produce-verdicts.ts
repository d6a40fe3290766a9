import type { DriverFailure, DriverOptions } from '../driver.ts'
import type { Cluster } from './cluster.ts'
import type { MessageExpiry } from './message-expiry.ts'
import type { LibraryError, PlatformaticModule } from './platformatic-module.ts'
import type { TopicQueue } from './topic-queues.ts'

interface PartitionAnswer {
  readonly index: number
  readonly errorCode: number
  readonly baseOffset: bigint
  readonly logAppendTimeMs: bigint
  readonly recordErrors?: readonly { readonly batchIndex: number }[]
  readonly errorMessage?: string | null
}

/** What a broker says to a request with batches of several partitions. */
export interface ProduceAnswer {
  readonly responses: readonly { readonly name: string; readonly partitionResponses: readonly PartitionAnswer[] }[]
}

export interface ProduceVerdictsParts {
  readonly library: Pick<PlatformaticModule, 'protocolErrors' | 'protocolErrorsCodesById'>
  readonly cluster: Pick<Cluster, 'failureOf' | 'failureOfNumber'>
  readonly options: Pick<DriverOptions, 'onFailure'>
  readonly expiry: MessageExpiry
  /** The first batch goes again, later. */
  readonly tryAgain: (queue: TopicQueue) => void
}

const duplicateSequence = 46
/** Refusals of a batch as too large: parts of it may pass. */
const tooLarge = new Set([10, 18])
/** Answers that leave open whether the batch was stored. */
const inDoubt = new Set([7, 13, 20])

/** What an answer, or none, means for the first batch of each queue: stored, tried again, taken apart or failed. */
export class ProduceVerdicts {
  readonly #parts: ProduceVerdictsParts

  constructor(parts: ProduceVerdictsParts) {
    this.#parts = parts
  }

  answered(queues: readonly TopicQueue[], { responses }: ProduceAnswer): void {
    const answers = new Map<string, PartitionAnswer>()
    for (const { name, partitionResponses } of responses)
      for (const answer of partitionResponses) answers.set(`${name} ${answer.index}`, answer)
    for (const queue of queues) {
      const answer = answers.get(`${queue.topic.name} ${queue.partition}`)
      if (!answer) this.#retry(queue, { code: 'DRIVER_FAILED', reason: 'the answer lacks this partition' }, true)
      else if (answer.errorCode === 0) this.stored(queue, Number(answer.baseOffset), Number(answer.logAppendTimeMs))
      // The broker keeps it already; where, it does not say.
      else if (answer.errorCode === duplicateSequence) this.stored(queue, -1, -1)
      else this.#failed(queue, answer)
    }
  }

  unanswered(queues: readonly TopicQueue[], error: LibraryError): void {
    const failure = this.#parts.cluster.failureOf(error)
    this.#parts.options.onFailure(failure)
    for (const queue of queues) this.#retry(queue, failure, true)
  }

  stored(queue: TopicQueue, baseOffset: number, appendedAtMs: number): void {
    const { isExpired, partition } = queue
    const { settlements, timestamps } = queue.shift({ isStored: true })
    if (isExpired) return
    this.#parts.expiry.countSettled(settlements.length)
    for (let index = 0; index < settlements.length; index++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index
      settlements[index]!.settle(null, partition, offset, appendedAtMs >= 0 ? appendedAtMs : timestamps[index]!)
    }
  }

  /** The first batch fails for good. */
  refuse(queue: TopicQueue, failure: DriverFailure): void {
    const { isExpired, mayBeStored, partition } = queue
    const { settlements } = queue.shift({ isStored: false })
    const told = mayBeStored ? { ...failure, outcome: 'unknown' as const } : failure
    if (!isExpired) for (const settlement of settlements) this.#parts.expiry.fail(settlement, told, partition)
    if (failure.fatal) this.#parts.options.onFailure(failure)
  }

  #failed(queue: TopicQueue, { errorCode, errorMessage, recordErrors = [] }: PartitionAnswer): void {
    const { library, cluster } = this.#parts
    const failure = cluster.failureOfNumber(errorCode, errorMessage)
    const { count } = queue.first!
    if (library.protocolErrors[library.protocolErrorsCodesById[errorCode] ?? '']?.canRetry)
      this.#retry(queue, failure, inDoubt.has(errorCode))
    else if (tooLarge.has(errorCode) && count > 1 && !queue.isExpired) {
      const half = count >> 1
      const batch = queue.first!
      queue.shift({ isStored: false }, [batch.pick((index) => index < half), batch.pick((index) => index >= half)])
    } else if (recordErrors.length > 0 && recordErrors.length < count && !queue.isExpired) {
      // The broker refuses a batch as a whole, and names those in it that are to blame.
      const blamed = new Set(recordErrors.map(({ batchIndex }) => batchIndex))
      const batch = queue.first!
      queue.shift({ isStored: false }, [batch.pick((index) => !blamed.has(index))])
      for (const index of blamed) this.#parts.expiry.fail(batch.settlements[index]!, failure, queue.partition)
    } else this.refuse(queue, failure)
  }

  #retry(queue: TopicQueue, failure: DriverFailure, mayBeStored: boolean): void {
    queue.mayBeStored ||= mayBeStored
    queue.trouble = failure
    if (queue.isExpired) {
      queue.shift({ isStored: false })
      return
    }
    this.#parts.tryAgain(queue)
  }
}
