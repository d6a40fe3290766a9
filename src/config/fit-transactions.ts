import { invalidValue } from './accept-value.ts'
import { consumerFields, type ConsumerConfig } from './fields.ts'

/** Each takes a producer, with connections and threads of its own. */
const transactionsAtATime = 4

const contradictions = [
  [
    'keyConcurrency',
    (value: unknown) => value !== 1,
    '1, since each transaction carries the offset up to which all is done',
  ],
  [
    'isolation',
    (value: unknown) => value !== 'committed',
    '"committed", since a new owner must see offsets as they are settled',
  ],
  [
    'partitions',
    (value: unknown) => value !== undefined,
    'nothing, since only what a group assigns is taken from a member that was away',
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
    const value = config[name]
    if (isWrong(value)) {
      throw invalidValue(
        consumerFields[name],
        value,
        `consumers.${manifest}.${name}`,
        `${expected} (commit is "transaction")`,
      )
    }
  }
  return isConcurrencyChosen ? config : Object.freeze({ ...config, concurrency: transactionsAtATime })
}
