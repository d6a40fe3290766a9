export { createDriverError } from './driver/driver-error.ts'
export type {
  ClientProfile,
  Driver,
  DriverCapabilities,
  DriverFailure,
  DriverFailureCode,
  DriverHeader,
  DriverMessage,
  DriverModule,
  DriverOptions,
  DriverSaslOptions,
  DriverTlsOptions,
  PassThroughValue,
  SecretValue,
  Settlement,
  TopicSpecification,
} from './driver/driver.ts'
export { murmur2, partitionByCrc32, partitionByMurmur2 } from './driver/partitioners.ts'
