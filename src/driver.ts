export type {
  CommittedPosition,
  ConsumedMessage,
  ConsumingDriverModule,
  DriverConsumer,
  DriverConsumerListener,
  DriverConsumerOptions,
  StartPosition,
  TopicPartition,
} from './driver/driver-consumer.ts'
export { createDriverError } from './driver/driver-error.ts'
export type {
  ClientProfile,
  ConsumerOffset,
  Driver,
  DriverCapabilities,
  DriverCredentials,
  DriverFailure,
  DriverFailureCode,
  DriverHeader,
  DriverMessage,
  DriverModule,
  DriverOptions,
  DriverSaslOptions,
  DriverTlsOptions,
  DriverTransactions,
  PassThroughValue,
  SecretValue,
  Settlement,
  TopicSpecification,
  TransactionIdentity,
} from './driver/driver.ts'
export { murmur2, partitionByCrc32, partitionByMurmur2 } from './driver/partitioners.ts'
