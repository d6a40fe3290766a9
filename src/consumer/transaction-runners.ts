import type { MessagingConfig, ProducerOptions } from '../config/fields.ts'
import type { ConsumerPlan } from '../factory/create-consumer-plan.ts'
import type { SharedParts } from '../factory/shared-parts.ts'
import type { TransactionRunner } from '../factory/transaction.ts'

/**
 * What runs the transactions of each consumer that commits by them, connected.
 * @param overrides of the producers
 * @throws TRANSACTION_INVALID where the driver has none, and as the first send of a manifest
 */
export async function prepareTransactions(
  plans: readonly ConsumerPlan[],
  config: MessagingConfig,
  shared: SharedParts,
  overrides: ProducerOptions,
): Promise<ReadonlyMap<ConsumerPlan, TransactionRunner>> {
  const runners = plans
    .filter((plan) => plan.config.commit === 'transaction')
    .map(async (plan) => {
      const { id, isStable } = identityOf(plan, config, shared.instance)
      const runner = shared.transactionsOf!(id, overrides)
      // What a crash has left open keeps its partitions from whoever has them now.
      await runner.prepare(isStable ? plan.config.concurrency : 1)
      return [plan, runner] as const
    })
  return new Map(await Promise.all(runners))
}

/** Any that no other process has will do, since the broker checks the member of the group, too (KIP-447). */
function identityOf(
  { name, group, config: { instanceId } }: ConsumerPlan,
  { transactionalId }: MessagingConfig,
  instance: string,
): { readonly id: string; readonly isStable: boolean } {
  if (transactionalId !== undefined) return { id: `${transactionalId}.${name}`, isStable: true }
  return { id: `${group}.${name}.${instanceId ?? instance}`, isStable: instanceId !== undefined }
}
