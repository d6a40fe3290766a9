import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessagingError } from '../errors/messaging-error.ts'
import { isConsumerManifestClass, type ConsumerManifestClass } from '../factory/consumer-manifest.ts'
import { isProducerManifestClass, type ProducerManifestClass } from '../factory/producer-manifest.ts'

/**
 * The manifest class that `./messages.ts#OrderPlaced` names; without a name the only one the module exports.
 * @throws INPUT_INVALID
 */
export async function loadManifest(reference: string): Promise<ProducerManifestClass> {
  const { manifests, invalid } = await loadModule('--manifest', reference, producers)
  if (manifests.length !== 1) throw invalid(`say which manifest with #Name; the file exports ${namesOf(manifests)}`)
  return manifests[0]![1]
}

/** The manifest class that `./messages.ts#OrderPlaced` names; without a name all that the module exports. @throws INPUT_INVALID */
export async function loadManifests(reference: string): Promise<ProducerManifestClass[]> {
  const { manifests, invalid } = await loadModule('--manifests', reference, producers)
  if (manifests.length === 0) throw invalid('the file exports no manifest')
  // One class may be exported under two names.
  return [...new Set(manifests.map(([, manifest]) => manifest))]
}

/** The consumer manifests of a module, as `loadManifests`, and all that it exports. @throws INPUT_INVALID */
export async function loadConsumers(
  reference: string,
): Promise<{ manifests: readonly ConsumerManifestClass[]; exported: Readonly<Record<string, unknown>> }> {
  const { manifests, exported, invalid } = await loadModule('consume', reference, consumers)
  if (manifests.length === 0) throw invalid('the file exports no consumer manifest')
  return { manifests: [...new Set(manifests.map(([, manifest]) => manifest))], exported }
}

/** A kind of manifest classes. */
interface Kind<Class> {
  readonly name: string
  readonly is: (value: unknown) => value is Class
}

const producers: Kind<ProducerManifestClass> = { name: 'producer', is: isProducerManifestClass }
const consumers: Kind<ConsumerManifestClass> = { name: 'consumer', is: isConsumerManifestClass }

interface LoadedModule<Class> {
  readonly manifests: (readonly [name: string, manifest: Class])[]
  readonly exported: Readonly<Record<string, unknown>>
  readonly invalid: (reason: string) => MessagingError
}

async function loadModule<Class>(option: string, reference: string, kind: Kind<Class>): Promise<LoadedModule<Class>> {
  const [file = '', name] = reference.split('#')
  const invalid = (reason: string, cause?: unknown): MessagingError =>
    new MessagingError(
      'INPUT_INVALID',
      { source: `${option} ${reference}`, reason },
      cause === undefined ? {} : { cause },
    )

  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (error) {
    throw invalid(`the file cannot be loaded (${(error as Error).message.split('\n')[0]})`, error)
  }
  const manifests = Object.entries(exported).filter((entry): entry is [string, Class] => kind.is(entry[1]))
  if (name === undefined || name === '') return { manifests, exported, invalid }
  const names = namesOf(manifests)
  if (!Object.hasOwn(exported, name)) throw invalid(`the file has no export ${name}; its manifests are ${names}`)
  const named = manifests.filter(([exportedName]) => exportedName === name)
  if (named.length === 0) throw invalid(`${name} is not a ${kind.name} manifest; its manifests are ${names}`)
  return { manifests: named, exported, invalid }
}

function namesOf(manifests: readonly (readonly [name: string, manifest: unknown])[]): string {
  return manifests.map(([name]) => name).join(', ') || 'none'
}
