import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessagingError } from '../errors/messaging-error.ts'
import { isProducerManifestClass, type ProducerManifestClass } from '../factory/producer-manifest.ts'

/**
 * The manifest class that `./messages.ts#OrderPlaced` names; without a name the only one the module exports.
 * @throws INPUT_INVALID
 */
export async function loadManifest(reference: string): Promise<ProducerManifestClass> {
  const { manifests, invalid } = await loadModule('--manifest', reference)
  if (manifests.length !== 1) throw invalid(`say which manifest with #Name; the file exports ${namesOf(manifests)}`)
  return manifests[0]![1]
}

/** The manifest class that `./messages.ts#OrderPlaced` names; without a name all that the module exports. @throws INPUT_INVALID */
export async function loadManifests(reference: string): Promise<ProducerManifestClass[]> {
  const { manifests, invalid } = await loadModule('--manifests', reference)
  if (manifests.length === 0) throw invalid('the file exports no manifest')
  // One class may be exported under two names.
  return [...new Set(manifests.map(([, manifest]) => manifest))]
}

type NamedManifest = readonly [name: string, manifest: ProducerManifestClass]

async function loadModule(
  option: string,
  reference: string,
): Promise<{ manifests: NamedManifest[]; invalid: (reason: string) => MessagingError }> {
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
  const manifests = Object.entries(exported).filter((entry): entry is [string, ProducerManifestClass] =>
    isProducerManifestClass(entry[1]),
  )
  if (name === undefined || name === '') return { manifests, invalid }
  const names = namesOf(manifests)
  if (!Object.hasOwn(exported, name)) throw invalid(`the file has no export ${name}; its manifests are ${names}`)
  const named = manifests.filter(([exportedName]) => exportedName === name)
  if (named.length === 0) throw invalid(`${name} is not a producer manifest; its manifests are ${names}`)
  return { manifests: named, invalid }
}

function namesOf(manifests: readonly NamedManifest[]): string {
  return manifests.map(([name]) => name).join(', ') || 'none'
}
