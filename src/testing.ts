export {
  createMemoryDriver,
  type FailureRule,
  type MemoryDriver,
  type MemoryDriverOptions,
  type MemoryRecord,
} from './driver/memory/memory-driver.ts'
export { startMockCluster, type MockCluster } from './testing/mock-cluster.ts'
