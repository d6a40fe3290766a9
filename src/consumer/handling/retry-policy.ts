import type { ConsumerConfig } from '../../config/fields.ts'
import { laterAttemptsOf } from '../../factory/retry-topics.ts'

export type RetryConfig = Pick<
  ConsumerConfig,
  | 'commit'
  | 'retryAttempts'
  | 'retryDelayMs'
  | 'retryMaxDelayMs'
  | 'retryLaterMs'
  | 'retryOrder'
  | 'retryTopic'
  | 'onFailure'
  | 'deadLetterTopic'
>

/** How long to wait after an attempt, counted from 1: twice as long each time, and up to half of it less by chance. */
export function backoffMs(
  { retryDelayMs, retryMaxDelayMs }: Pick<RetryConfig, 'retryDelayMs' | 'retryMaxDelayMs'>,
  attempt: number,
  random: () => number = Math.random,
): number {
  const full = Math.min(retryMaxDelayMs, retryDelayMs * 2 ** Math.min(attempt - 1, 50))
  return Math.round(full * (1 - random() / 2))
}

/** Attempts that a message has: what is committed before it is handled has no other. */
export function attemptsOf({ commit, retryAttempts }: RetryConfig): number {
  return commit === 'before' ? 1 : retryAttempts
}

/** What becomes of a message that fails, for whoever starts a consumer. */
export function describePolicy(config: RetryConfig): string {
  const attempts = attemptsOf(config)
  const tries =
    attempts === 1
      ? 'one attempt'
      : `${attempts} attempts, ${config.retryDelayMs} to ${config.retryMaxDelayMs} ms apart`
  const waits = laterAttemptsOf(config)
  const where = config.retryOrder === 'key' ? 'its key waiting' : `by way of ${config.retryTopic}`
  const later = waits.length === 0 ? '' : `, ${waits.length} more after ${waits.join(', ')} ms, ${where}`
  const then = {
    'dead-letter': `to ${config.deadLetterTopic}`,
    skip: 'left out',
    stop: 'the consumer stops',
  }[config.onFailure]
  return `${tries}${later}, then ${then}; offsets committed: ${config.commit}`
}
