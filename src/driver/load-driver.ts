import { isMessagingError } from '../errors/messaging-error.ts'
import type { ConsumingDriverModule } from './driver-consumer.ts'
import type { DriverModule } from './driver.ts'

const doesNotLoad = ['DRIVER_NOT_INSTALLED', 'DRIVER_LOAD_FAILED', 'DRIVER_IN_WORKER_THREAD'] as const
const hint = '; or set driver to "platformatic" or "auto": @platformatic/kafka is installed and needs no native code'

const loadConfluent = async (): Promise<ConsumingDriverModule> =>
  (await import('./confluent/confluent-driver.ts')).confluentDriver
const loadPlatformatic = async (): Promise<ConsumingDriverModule> =>
  (await import('./platformatic/platformatic-driver.ts')).platformaticDriver

/** The drivers that config can name. Each is imported when its first client is built. */
const loaders = {
  confluent: async () => namingTheOther(await loadConfluent()),
  platformatic: loadPlatformatic,
  auto: chooseDriver,
  memory: async () => (await import('./memory/memory-driver.ts')).createMemoryDriver(),
} satisfies Readonly<Record<string, () => Promise<DriverModule>>>

export type DriverName = keyof typeof loaders

export function loadDriver(driver: DriverName | DriverModule): Promise<DriverModule> {
  return typeof driver === 'string' ? loaders[driver]() : Promise.resolve(driver)
}

/** Native where its library loads in this thread of this machine, else JavaScript where that is installed. */
async function chooseDriver(): Promise<DriverModule> {
  try {
    const { loadNativeModule } = await import('./confluent/native-module.ts')
    await loadNativeModule()
    return await loadConfluent()
  } catch (error) {
    if (await isPlatformaticThere()) return loadPlatformatic()
    throw error
  }
}

/** Says that there is a way without native code, where its package is there already. */
function namingTheOther(module: ConsumingDriverModule): ConsumingDriverModule {
  return {
    ...module,
    createDriver: (options) => module.createDriver(options).catch(hintAtTheOther),
    createConsumer: (options) => module.createConsumer(options).catch(hintAtTheOther),
  }
}

async function hintAtTheOther(error: unknown): Promise<never> {
  if (!isMessagingError(error, ...doesNotLoad) || !(await isPlatformaticThere())) throw error
  throw error.hinting(hint)
}

async function isPlatformaticThere(): Promise<boolean> {
  const { loadPlatformaticModule } = await import('./platformatic/platformatic-module.ts')
  return loadPlatformaticModule().then(
    () => true,
    () => false,
  )
}
