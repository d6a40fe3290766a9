import type { ConfigStore } from '../config/config-store.ts'
import type { ConsumerOptions } from '../config/fields.ts'
import type { DriverConsumer } from '../driver/driver-consumer.ts'
import type { MessagingError } from '../errors/messaging-error.ts'
import {
  consumerNameOf,
  type ConsumeMiddleware,
  type ConsumerManifest,
  type ConsumerManifestClass,
} from '../factory/consumer-manifest.ts'
import { createConsumerPlan, type ConsumerPlan } from '../factory/create-consumer-plan.ts'
import type { MiddlewareList } from '../factory/middleware.ts'
import { readConsumerManifest, type ConsumerUse } from '../factory/read-consumer-manifest.ts'
import type { SharedClient, SharedParts } from '../factory/shared-parts.ts'
import { ActiveConsumer } from './active-consumer.ts'
import { connectConsumer } from './membership/connect-consumer.ts'
import { DirectPartitions } from './membership/direct-partitions.ts'
import { createDeduplication } from './handling/deduplication.ts'
import { FailureTopics } from './handling/failure-topics.ts'
import { Forwarder, forwardingRoomBytes } from './handling/forwarder.ts'
import { GroupMember } from './membership/group-member.ts'
import { GroupPartitions } from './membership/group-partitions.ts'
import { planGroups } from './plan-groups.ts'
import { describePolicy } from './handling/retry-policy.ts'
import { ConsumerGroups } from './running-consumers.ts'
import { prepareTransactions } from './transaction-runners.ts'

/** How consumers are started. */
export interface StartOptions {
  readonly use: ConsumerUse
  /** They win over every layer of configuration. */
  readonly overrides?: ConsumerOptions
  /** In place of the handler that the manifest has. */
  readonly handleBatch?: ConsumerManifest['handleBatch']
}

export interface ConsumerGroupsEnvironment extends StartOptions {
  readonly store: ConfigStore
  readonly shared: SharedParts
  readonly middleware: MiddlewareList<ConsumeMiddleware, ConsumerManifestClass>
}

/** Manifests and configuration become members of groups that have subscribed. @param onStopped told once, if they have started */
export async function createGroups(
  manifests: readonly ConsumerManifestClass[],
  environment: ConsumerGroupsEnvironment,
  onStopped: (failure: MessagingError | undefined) => void,
): Promise<ConsumerGroups> {
  const { store, shared, middleware } = environment
  const config = store.resolve()
  shared.startInstruments(config)
  const { instance } = shared
  const plans = await Promise.all(manifests.map((Manifest) => createPlan(Manifest, environment)))
  const classes = new Map(manifests.map((Manifest) => [consumerNameOf(Manifest), Manifest]))
  const module = await shared.loadDriver(config.driver)
  const maxMessageBytes = store.resolveProducer('dead letters', {}).maxMessageBytes + forwardingRoomBytes
  const connectForwarding = (): Promise<SharedClient> => shared.connectClient!({ acks: 'all', maxMessageBytes })
  const failureTopics = new Map<ConsumerPlan, FailureTopics>()
  for (const plan of plans.filter((each) => each.config.createFailureTopics === 'if-missing')) {
    const forwarding = { connect: connectForwarding, maxMessageBytes, visibleWithinMs: config.connectTimeoutMs }
    failureTopics.set(plan, new FailureTopics({ plan, ...forwarding }))
  }
  const prepare = preparingOnce([...failureTopics.values()])
  const groupsOfPlans = planGroups(plans)
  const runners = await prepareTransactions(plans, config, shared, { maxMessageBytes })
  const members = groupsOfPlans.map(({ group, consumers: ofGroup }) => {
    const [first] = ofGroup as [ConsumerPlan]
    const client = { ...first.config, group, startFrom: GroupPartitions.startOfClient(ofGroup) }
    const stop = (error: MessagingError): void => groups.fail(error)
    return new GroupMember({
      group,
      driver: module.name,
      consumers: ofGroup.map((plan) => {
        const chain = middleware.of(classes.get(plan.name)!)
        return new ActiveConsumer({
          instance,
          plan,
          forwarder: new Forwarder(connectForwarding, failureTopics.get(plan)),
          // What a stream gave is not known to be handled.
          deduplication: environment.use === 'stream' ? undefined : createDeduplication(plan),
          middleware: chain,
          transactions: runners.get(plan),
          stop,
        })
      }),
      source: first.partitions === undefined ? new GroupPartitions(ofGroup) : new DirectPartitions(first),
      prepare,
      connect: (listener) => connectConsumer(module, store.resolve(), client, listener),
    })
  })
  let isStarted = false
  const groups: ConsumerGroups = new ConsumerGroups({
    members,
    stopTimeoutMs: config.stopTimeoutMs,
    onStopped: (failure) => {
      stopWatching()
      for (const runner of runners.values()) void runner.close()
      if (isStarted) onStopped(failure)
    },
  })
  const stopWatching = shared.eventLoop.start(config.metrics.eventLoopIntervalMs)
  await groups.start()
  isStarted = true
  shared.watchExit?.()
  for (const { group, driver, consumers } of members) {
    for (const { ledger, plan } of consumers) {
      const topics = plan.topics.map(String).join(', ')
      ledger.publish('consumer.started', () => ({ group, driver, topics, policy: describePolicy(plan.config) }))
    }
  }
  return groups
}

/** By the member that connects first: others may read what is created for its consumers. */
function preparingOnce(topics: readonly FailureTopics[]): (consumer: DriverConsumer) => Promise<void> {
  let prepared: Promise<void> | undefined
  return (consumer) => (prepared ??= prepareAll(consumer))

  async function prepareAll(consumer: DriverConsumer): Promise<void> {
    for (const each of topics) await each.prepare(consumer)
  }
}

async function createPlan(
  Manifest: ConsumerManifestClass,
  { store, shared, use, overrides, handleBatch }: ConsumerGroupsEnvironment,
): Promise<ConsumerPlan> {
  const read = readConsumerManifest(Manifest, use)
  const config = store.resolve()
  const plan = await createConsumerPlan(read, store.resolveConsumer(read.name, read.attributes, overrides), {
    instance: shared.instance,
    config,
    schemaRegistry: () => shared.schemaRegistry(config),
  })
  if (handleBatch !== undefined) Object.assign(plan.manifest, { handle: undefined, handleBatch })
  return plan
}
