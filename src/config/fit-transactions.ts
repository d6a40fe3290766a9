import { invalidValue } from './accept-value.ts'
import { consumerFields, type ConsumerConfig } from './fields.ts'

/** Each takes a producer, with connections and threads of its own. */
const transactionsAtATime = 4

const contradictions = [
  [
    'keyConcurrency',
    ({ keyConcurrency }: ConsumerConfig) => keyConcurrency > 1,
    '1, since each transaction carries the offset up to which all is done',
  ],
  [
    'isolation',
    ({ isolation }: ConsumerConfig) => isolation !== 'committed',
    '"committed", since a new owner must see offsets as they are settled',
  ],
  [
    'partitions',
    ({ partitions }: ConsumerConfig) => partitions !== undefined,
    'nothing, since only what a group assigns is taken from a member that was away',
  ],
  [
    'retryOrder',
    ({ retryOrder, retryLaterMs }: ConsumerConfig) => retryOrder === 'key' && retryLaterMs.length > 0,
    '"none" with retryLaterMs, since no transaction may carry an offset past a message that waits in memory',
  ],
] as const

/**
 * The settings of a consumer that commits in transactions.
 * @param isConcurrencyChosen else there are fewer at a time than by default
 * @throws CONFIG_INVALID where one contradicts transactions
 */
export function fitTransactions(
  manifest: string,
  config: ConsumerConfig,
  isConcurrencyChosen: boolean,
): ConsumerConfig {
  for (const [name, isWrong, expected] of contradictions) {
    if (isWrong(config)) {
      throw invalidValue(
        consumerFields[name],
        config[name],
        `consumers.${manifest}.${name}`,
        `${expected} (commit is "transaction")`,
      )
    }
  }
  return isConcurrencyChosen ? config : Object.freeze({ ...config, concurrency: transactionsAtATime })
}
