export { configure, createMessaging, messaging, registry } from './messaging.ts'
export type { ConfigureOptions, Messaging, MessagingConfiguration } from './messaging.ts'
export { ProducerManifest } from './factory/producer-manifest.ts'
export type {
  HeaderValue,
  MessageHeaders,
  MessageKey,
  PayloadOf,
  ProducerManifestClass,
} from './factory/producer-manifest.ts'
export type { TopicConfig } from './factory/create-topic.ts'
export { ConsumerManifest } from './factory/consumer-manifest.ts'
export type {
  BatchContext,
  ConsumeMiddleware,
  ConsumerManifestClass,
  HandlerContext,
  MessageOrigin,
  ReceivedMessage,
  ReceivedParts,
  TopicName,
} from './factory/consumer-manifest.ts'
export type { ConsumerRunOptions, Consumers } from './consumer/consumers.ts'
export type { ConsumerStream, PulledBatch } from './consumer/batch-stream.ts'
export type { HealthPlace } from './consumer/endpoints/endpoints.ts'
export type { Endpoint } from './consumer/endpoints/http-endpoint.ts'
export { createMemoryDedupeStore } from './consumer/handling/memory-dedupe-store.ts'
export type { MemoryDedupeStoreOptions } from './consumer/handling/memory-dedupe-store.ts'
export type { ConsumerHealth, ConsumersHealth, PartitionHealth, PauseHealth } from './consumer/consumers-health.ts'
export type { Pause } from './consumer/partition/pauses.ts'
export type { PauseOptions, RunningConsumers, StopOptions } from './consumer/running-consumers.ts'
export type { DeliveryReport } from './factory/delivery-report.ts'
export type { OutgoingMessage, SendMiddleware } from './factory/middleware.ts'
export type { SendManyOptions, SendOptions } from './factory/send-options.ts'
export type { ManifestSender, VariantOptions } from './registry/create-manifest-sender.ts'
export type { ProducerRegistry } from './registry/producer-registry.ts'
export type { Transaction, TransactionSends } from './factory/transaction.ts'
export type { ClientStatus, ProducerStatus, RegistryState, RegistryStatus } from './registry/registry-status.ts'
export type {
  ConsumerConfig,
  ConsumerOptions,
  MessagingConfig,
  MessagingOptions,
  ProducerConfig,
  ProducerOptions,
} from './config/fields.ts'
export type { ConfigExplanation, ConfigLayer } from './config/config-store.ts'
export type { DedupeStore } from './config/dedupe-store.ts'
export { Secret } from './config/secret.ts'
export { isMessagingError, MessagingError } from './errors/messaging-error.ts'
export type { BatchFailure, ErrorContext, ErrorParameters } from './errors/messaging-error.ts'
export { errorCodes } from './errors/codes.ts'
export type { ErrorCode, ErrorCodeEntry, Outcome } from './errors/codes.ts'
export type { MetricsReader } from './instrumentation/instance-metrics.ts'
export type { Breadcrumb, ErrorNotifier, ErrorReport } from './instrumentation/error-notifier.ts'
export type { Logger } from './instrumentation/log-instrument.ts'
export type { TracingControl, TracingStatus } from './instrumentation/tracing.ts'
export { subscribe } from './instrumentation/events.ts'
export type { EventName, EventPayloads } from './instrumentation/events.ts'
