import type { DriverModule } from './driver.ts'

/** The drivers that config can name. Each is imported when its first client is built. */
const loaders = {
  confluent: async () => (await import('./confluent/confluent-driver.ts')).confluentDriver,
  memory: async () => (await import('./memory/memory-driver.ts')).createMemoryDriver(),
} satisfies Readonly<Record<string, () => Promise<DriverModule>>>

export type DriverName = keyof typeof loaders

export function loadDriver(driver: DriverName | DriverModule): Promise<DriverModule> {
  return typeof driver === 'string' ? loaders[driver]() : Promise.resolve(driver)
}
