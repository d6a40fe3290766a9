import type { ConsumerConfig } from '../config/fields.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import { isLegalTopic } from './resolve-topic.ts'

/** A topic that holds failed messages of one consumer until another attempt is due. */
export interface RetryTopic {
  readonly name: string
  /** The topic whose messages it holds; undefined where it is for all that a pattern brings. */
  readonly source: string | undefined
  /** Which of the later attempts, from 1. */
  readonly number: number
  readonly delayMs: number
  /** Where a message goes that fails again. */
  readonly next: RetryTopic | undefined
}

export type RetryTopicConfig = Pick<ConsumerConfig, 'commit' | 'retryLaterMs' | 'retryOrder' | 'retryTopic'>

/** Waits before the attempts that do not hold the partition. What is committed before it is handled has none. */
export function laterAttemptsOf({
  commit,
  retryLaterMs,
}: Pick<ConsumerConfig, 'commit' | 'retryLaterMs'>): readonly number[] {
  return commit === 'before' ? [] : retryLaterMs
}

/** @throws MANIFEST_INVALID where attempts cannot be put off in the way that is asked for */
export function refuseRetryOrder(
  manifest: string,
  { commit, partitions, retryLaterMs, retryOrder }: RetryTopicConfig & Pick<ConsumerConfig, 'partitions'>,
): void {
  if (retryLaterMs.length === 0) return
  const reason =
    retryOrder === 'key' && (commit === 'manual' || commit === 'transaction')
      ? `must be "none" with commit: "${commit}", whose commits would pass what waits`
      : retryOrder === 'none' && partitions !== undefined
        ? 'must be "key" with partitions: nobody would read the retry topics'
        : undefined
  if (reason === undefined) return
  throw new MessagingError('MANIFEST_INVALID', { manifest, attribute: 'retryOrder', reason }, { manifest })
}

/** The retry topics of one consumer: a chain of them for each of its topics. */
export class RetryTopics {
  readonly #nameOf: (topic: string, number: number) => string
  readonly #byName = new Map<string, RetryTopic>()

  /**
   * @param topics that it reads; a RegExp is one whose topics come and go
   * @param prefixed a name with the `topicPrefix` before it @throws MANIFEST_INVALID
   */
  constructor(
    { manifest, group, topics }: { manifest: string; group: string; topics: readonly (string | RegExp)[] },
    config: RetryTopicConfig,
    prefixed: (name: string) => string,
  ) {
    const delays = config.retryOrder === 'none' ? laterAttemptsOf(config) : []
    const invalid = (reason: string): MessagingError =>
      new MessagingError('MANIFEST_INVALID', { manifest, attribute: 'retryTopic', reason }, { manifest })
    const template = config.retryTopic.replaceAll('{group}', () => group)
    this.#nameOf = (topic, number) => {
      const name = template.replaceAll('{n}', String(number))
      return name.includes('{topic}') ? name.replaceAll('{topic}', () => topic) : prefixed(name)
    }
    for (const topic of topics) {
      let next: RetryTopic | undefined
      for (const [index, delayMs] of [...delays.entries()].toReversed()) {
        if (typeof topic !== 'string' && template.includes('{topic}')) {
          throw invalid(`must be without {topic} where topics come by a pattern, e.g. "retries.{group}.{n}"`)
        }
        const name = this.#nameOf(String(topic), index + 1)
        if (!isLegalTopic(name)) throw invalid(`${JSON.stringify(name)} is not a legal topic name`)
        if (topics.some((each) => (typeof each === 'string' ? each === name : each.test(name)))) {
          throw invalid(`${name} is one of the topics that the consumer reads`)
        }
        const source = typeof topic === 'string' && template.includes('{topic}') ? topic : undefined
        next = { name, source, number: index + 1, delayMs, next }
        this.#byName.set(name, next)
      }
    }
  }

  /** What is subscribed to besides the topics. */
  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  /** Undefined where `topic` is none of them. */
  find(topic: string): RetryTopic | undefined {
    return this.#byName.get(topic)
  }

  /** Where a message goes that was read from `topic`, one of them or not, and failed; undefined after the last. */
  after(topic: string): RetryTopic | undefined {
    const current = this.#byName.get(topic)
    return current === undefined ? this.#byName.get(this.#nameOf(topic, 1)) : current.next
  }
}
