import type { DriverModule } from './driver.ts'

/** The drivers that config can name. Each is imported when its first client is built. */
export const driverNames = ['confluent', 'memory'] as const
export type DriverName = (typeof driverNames)[number]

const loaders: Readonly<Record<DriverName, () => Promise<DriverModule>>> = {
  confluent: async () => (await import('./confluent/confluent-driver.ts')).confluentDriver,
  memory: async () => (await import('./memory/memory-driver.ts')).createMemoryDriver(),
}

export function loadDriver(driver: DriverName | DriverModule): Promise<DriverModule> {
  return typeof driver === 'string' ? loaders[driver]() : Promise.resolve(driver)
}
