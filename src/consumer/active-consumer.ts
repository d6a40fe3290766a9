import { MessagingError } from '../errors/messaging-error.ts'
import type { ConsumeMiddleware } from '../factory/consumer-manifest.ts'
import type { MiddlewareChain } from '../factory/middleware.ts'
import type { ConsumerPlan } from '../factory/create-consumer-plan.ts'
import type { TransactionRunner } from '../factory/transaction.ts'
import { CircuitBreaker } from './handling/circuit-breaker.ts'
import { ConsumerLedger } from './consumer-ledger.ts'
import type { Deduplication } from './handling/deduplication.ts'
import type { Forwarder } from './handling/forwarder.ts'
import { Pauses } from './partition/pauses.ts'
import { createThrottle, type Throttle } from './partition/throttle.ts'
import { WorkerSlots } from './partition/worker-slots.ts'

export interface ActiveConsumerParts {
  readonly instance: string
  readonly plan: ConsumerPlan
  readonly forwarder: Forwarder
  readonly deduplication: Deduplication | undefined
  readonly middleware: MiddlewareChain<ConsumeMiddleware>
  /** Where `commit` is 'transaction'. */
  readonly transactions: TransactionRunner | undefined
  /** `onFailure: 'stop'`: a message failed for good. */
  readonly stop: (error: MessagingError) => void
}

/** One manifest that runs, with what its partitions have in common. */
export class ActiveConsumer {
  readonly plan: ConsumerPlan
  readonly ledger: ConsumerLedger
  readonly forwarder: Forwarder
  readonly deduplication: Deduplication | undefined
  readonly middleware: MiddlewareChain<ConsumeMiddleware>
  readonly transactions: TransactionRunner | undefined
  readonly slots: WorkerSlots
  readonly throttle: Throttle | undefined
  /** Hold back all partitions, also those that are assigned later. */
  readonly pauses: Pauses
  /** Its partitions, as far as they wait for a pause to end. */
  readonly works = new Set<{ goOn(): void }>()
  readonly stop: (error: MessagingError) => void
  readonly #breaker: CircuitBreaker

  constructor({ instance, plan, forwarder, deduplication, middleware, transactions, stop }: ActiveConsumerParts) {
    this.plan = plan
    this.forwarder = forwarder
    this.deduplication = deduplication
    this.middleware = middleware
    this.transactions = transactions
    this.stop = stop
    this.slots = new WorkerSlots(plan.config.concurrency)
    this.throttle = createThrottle(plan.config)
    this.#breaker = new CircuitBreaker(plan.config.breakerFailures)
    this.ledger = new ConsumerLedger(instance, plan.name)
    const everywhere = { topic: plan.topics.join(','), partition: -1 }
    this.pauses = new Pauses({
      paused: ({ owner, reason }) => this.ledger.publish('partition.paused', () => ({ ...everywhere, owner, reason })),
      resumed: ({ owner }, durationMs) => {
        this.ledger.publish('partition.resumed', () => ({ ...everywhere, owner, durationMs }))
        for (const work of this.works) work.goOn()
      },
    })
  }

  succeeded(): void {
    this.#breaker.succeeded()
  }

  failed(): void {
    if (!this.#breaker.failed()) return
    const { breakerFailures, breakerPauseMs } = this.plan.config
    this.pauses.add('breaker', `${breakerFailures} attempts in a row failed`, breakerPauseMs)
  }

  errored(error: MessagingError): void {
    this.ledger.lastError = error
    const { group } = this.plan
    this.ledger.publish('consumer.errored', () => ({ group, error }))
  }

  /** Tells when a handler has kept the event loop. Returns what time it is. */
  watchBlocking(method: 'handle' | 'handleBatch', startedAt: number, topic: string, partition: number): number {
    const endedAt = performance.now()
    const durationMs = endedAt - startedAt
    if (durationMs < this.plan.config.blockedMs) return endedAt
    const { name: manifest } = this.plan
    const parameters = { manifest, method, durationMs: Math.round(durationMs) }
    const error = new MessagingError('HANDLER_BLOCKED', parameters, { manifest, topic })
    this.ledger.publish('handler.blocked', () => ({ topic, partition, error, durationMs }))
    return endedAt
  }
}
