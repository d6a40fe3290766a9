import type { Client } from '../../driver/client.ts'
import { isMessagingError } from '../../errors/messaging-error.ts'
import { laterAttemptsOf, type RetryTopic } from '../../factory/retry-topics.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { deadLetterHeaders } from './dead-letters.ts'
import { TransactionFailure, type Failure } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { retryHeaders } from './retry-headers.ts'
import { attemptsOf, backoffMs } from './retry-policy.ts'

/**
 * `again`: the wait is over, try again. `settled`: nothing more is to be done with it. `parked`: it comes again, and others of its key
 * wait for that. `left`: it stays undone, since the partition ends.
 */
export type Settled = 'again' | 'settled' | 'parked' | 'left'

/** What is done with a message that failed: another attempt at once, one later, or none. */
type Next = 'at once' | { readonly delayMs: number; readonly topic: RetryTopic | undefined } | 'none'

/** Does what the policy of the manifest says about a message that could not be handled, and waits as long as that takes. */
export async function settleFailure(
  work: AssignedPartition,
  message: IncomingMessage,
  failure: Failure,
): Promise<Settled> {
  // What failed because it was told to end has not failed.
  if (work.context.signal.aborted) return 'left'
  const next = nextAttempt(work, message, failure)
  if (next === 'at once') {
    await waitForAttempt(work, message, failure)
    countAttempt(message, failure)
    return work.isEnding ? 'left' : 'again'
  }
  const { consumer, topic, partition } = work
  const { error } = failure
  const { offset, attempt: attempts } = message
  consumer.failed()
  consumer.ledger.lastError = error
  if (next !== 'none') return defer(work, message, failure, next)
  consumer.ledger.rejected++
  const action = consumer.plan.config.onFailure
  consumer.ledger.publish('message.rejected', () => ({ topic, partition, offset, attempts, action, error }))
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

function nextAttempt(work: AssignedPartition, message: IncomingMessage, { kind, thrown }: Failure): Next {
  const { config, manifest, retryTopics } = work.consumer.plan
  // Without what it takes to decode it every message would go the way of this one: it waits, however long.
  if (kind === 'not yet') return config.commit === 'before' ? 'none' : 'at once'
  if (kind === 'undecodable') return 'none'
  // Later attempts are one each: they have waited already.
  const isFirst = message.later === 0 && message.attempt - message.excused < attemptsOf(config)
  const topic = retryTopics.after(work.topic)
  const delayMs = config.retryOrder === 'none' ? topic?.delayMs : laterAttemptsOf(config)[message.later]
  if ((!isFirst && delayMs === undefined) || !mayHelp()) return 'none'
  return isFirst ? 'at once' : { delayMs: delayMs!, topic }

  function mayHelp(): boolean {
    try {
      return manifest.retries?.(thrown, message) ?? true
    } catch {
      return true
    }
  }
}

/** To its retry topic; or aside, where the order of its key is kept. */
async function defer(
  work: AssignedPartition,
  message: IncomingMessage,
  failure: Failure,
  { delayMs: retryInMs, topic: retryTopic }: Exclude<Next, string>,
): Promise<Settled> {
  const { consumer, topic, partition } = work
  const { offset, attempt: attempts } = message
  const stored =
    retryTopic === undefined ||
    (await store(work, message, (by) =>
      consumer.forwarder.send(
        message,
        retryTopic.name,
        retryHeaders(message, retryTopic, failure),
        'RETRY_TOPIC_FAILED',
        by,
      ),
    ))
  if (!stored) return 'left'
  consumer.ledger.deferred++
  const { error } = failure
  consumer.ledger.publish('message.deferred', () => ({
    topic,
    partition,
    offset,
    attempts,
    retryInMs,
    retryTopic: retryTopic?.name,
    error,
  }))
  if (retryTopic !== undefined) return 'settled'
  message.attempt++
  message.later++
  work.park(message, retryInMs)
  return 'parked'
}

async function storeDeadLetter(work: AssignedPartition, message: IncomingMessage, failure: Failure): Promise<Settled> {
  const { consumer, topic, partition } = work
  const { group, name: manifest } = consumer.plan
  const { retryTopics } = consumer.plan
  const deadLetterTopic = consumer.plan.deadLetterTopic(retryTopics.find(topic)?.source ?? message.origin.topic)
  const headers = deadLetterHeaders(message, { manifest, group, failure })
  const { forwarder, ledger } = consumer
  const send = (by?: Client): Promise<void> =>
    forwarder.send(message, deadLetterTopic, headers, 'DEAD_LETTER_FAILED', by)
  if (!(await store(work, message, send))) return 'left'
  ledger.deadLettered++
  const { offset } = message
  ledger.publish('message.dead_lettered', () => ({ topic, partition, offset, deadLetterTopic }))
  return 'settled'
}

/** Until it is stored or the partition ends, which gives false: a message that is nowhere is lost. */
async function store(
  work: AssignedPartition,
  message: IncomingMessage,
  send: (by?: Client) => Promise<void>,
): Promise<boolean> {
  const { consumer } = work
  const { config, name } = consumer.plan
  for (let attempt = 1; !work.isEnding; attempt++) {
    try {
      if (work.transact) await work.transact([message], ({ client }) => send(client))
      else await send()
      return true
    } catch (thrown) {
      if (work.context.signal.aborted) return false
      const error = thrown instanceof TransactionFailure ? thrown.cause : thrown
      if (!isMessagingError(error)) throw error
      consumer.errored(error.of(name))
      await work.wait('dead-letter', error.message, backoffMs(config, attempt))
    }
  }
  return false
}
