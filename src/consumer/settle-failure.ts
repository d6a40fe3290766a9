import type { Client } from '../driver/client.ts'
import { isMessagingError } from '../errors/messaging-error.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { TransactionFailure, type Failure } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { attemptsOf, backoffMs } from './retry-policy.ts'

/** `again`: the wait is over, try again. `settled`: nothing more is to be done with it. `left`: it stays undone, since the partition ends. */
export type Settled = 'again' | 'settled' | 'left'

/** Does what the policy of the manifest says about a message that could not be handled, and waits as long as that takes. */
export async function settleFailure(
  work: AssignedPartition,
  message: IncomingMessage,
  failure: Failure,
): Promise<Settled> {
  const { consumer, topic, partition } = work
  const { error } = failure
  const { offset, attempt } = message
  // What failed because it was told to end has not failed.
  if (work.context.signal.aborted) return 'left'
  if (mayTryAgain(work, message, failure)) {
    await waitForAttempt(work, message, failure)
    countAttempt(message, failure)
    return work.isEnding ? 'left' : 'again'
  }
  consumer.failed()
  consumer.ledger.lastError = error
  consumer.ledger.rejected++
  const action = consumer.plan.config.onFailure
  consumer.ledger.publish('message.rejected', () => ({ topic, partition, offset, attempts: attempt, action, error }))
  if (action === 'skip') return 'settled'
  if (action === 'dead-letter') return storeDeadLetter(work, message, failure)
  work.leave()
  consumer.stop(error)
  return 'left'
}

export function countAttempt(message: IncomingMessage, { kind }: Failure): void {
  message.attempt++
  if (kind === 'not yet') message.excused++
}

/** Until the next attempt is due, or the partition ends. */
export async function waitForAttempt(
  work: AssignedPartition,
  message: IncomingMessage,
  failure: Failure,
): Promise<void> {
  const { consumer, topic, partition } = work
  const { error } = failure
  const { offset, attempt } = message
  consumer.failed()
  consumer.ledger.lastError = error
  const retryInMs = backoffMs(consumer.plan.config, attempt)
  consumer.ledger.publish('attempt.failed', () => ({ topic, partition, offset, attempt, retryInMs, error }))
  await work.wait('retry', `attempt ${attempt} of offset ${offset}: ${error.code}`, retryInMs)
}

function mayTryAgain(work: AssignedPartition, message: IncomingMessage, { kind, thrown }: Failure): boolean {
  const { config, manifest } = work.consumer.plan
  // Without what it takes to decode it every message would go the way of this one: it waits, however long.
  if (kind === 'not yet') return config.commit !== 'before'
  if (kind === 'undecodable' || message.attempt - message.excused >= attemptsOf(config)) return false
  try {
    return manifest.retries?.(thrown, message) ?? true
  } catch {
    return true
  }
}

/** Until it is stored or the partition ends: a message that is nowhere is lost. */
async function storeDeadLetter(work: AssignedPartition, message: IncomingMessage, failure: Failure): Promise<Settled> {
  const { consumer, topic, partition } = work
  const { config, group, name: manifest } = consumer.plan
  const deadLetterTopic = consumer.plan.deadLetterTopic(topic)
  for (let attempt = 1; !work.isEnding; attempt++) {
    try {
      const store = (by?: Client): Promise<void> =>
        consumer.deadLetters.send(message, deadLetterTopic, { manifest, group, failure }, by)
      if (work.transact) await work.transact([message], ({ client }) => store(client))
      else await store()
      consumer.ledger.deadLettered++
      const { offset } = message
      consumer.ledger.publish('message.dead_lettered', () => ({ topic, partition, offset, deadLetterTopic }))
      return 'settled'
    } catch (thrown) {
      if (work.context.signal.aborted) return 'left'
      const error = thrown instanceof TransactionFailure ? thrown.cause : thrown
      if (!isMessagingError(error)) throw error
      consumer.errored(error)
      await work.wait('dead-letter', error.message, backoffMs(config, attempt))
    }
  }
  return 'left'
}
