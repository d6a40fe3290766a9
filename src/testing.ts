export {
  createMemoryDriver,
  type FailureRule,
  type MemoryDriver,
  type MemoryDriverOptions,
} from './driver/memory/memory-driver.ts'
export type { MemoryRecord } from './driver/memory/memory-topics.ts'
export {
  describeDriverContract,
  type DriverContract,
  type DriverUnderTest,
  type StoredRecord,
  type TestFramework,
} from './testing/driver-contract.ts'
export { describeDriverConsumerContract, type DriverConsumerContract } from './testing/driver-consumer-contract.ts'
export { startMockCluster, type MockCluster } from './testing/mock-cluster.ts'
