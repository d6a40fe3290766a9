import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessagingError } from '../errors/messaging-error.ts'
import { isProducerManifestClass, type ProducerManifestClass } from '../factory/producer-manifest.ts'

/**
 * The manifest class that `./messages.ts#OrderPlaced` names; without a name the only one the module exports.
 * @throws INPUT_INVALID
 */
export async function loadManifest(reference: string): Promise<ProducerManifestClass> {
  const [file = '', name] = reference.split('#')
  const invalid = (reason: string, cause?: unknown): MessagingError =>
    new MessagingError(
      'INPUT_INVALID',
      { source: `--manifest ${reference}`, reason },
      cause === undefined ? {} : { cause },
    )

  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (error) {
    throw invalid(`the file cannot be loaded (${(error as Error).message.split('\n')[0]})`, error)
  }
  const manifests = Object.entries(exported).filter(([, value]) => isProducerManifestClass(value))
  const names = manifests.map(([exportedName]) => exportedName).join(', ') || 'none'
  if (name === undefined || name === '') {
    if (manifests.length !== 1) throw invalid(`say which manifest with #Name; the file exports ${names}`)
    return manifests[0]![1] as ProducerManifestClass
  }
  if (!Object.hasOwn(exported, name)) throw invalid(`the file has no export ${name}; its manifests are ${names}`)
  if (!isProducerManifestClass(exported[name]))
    throw invalid(`${name} is not a producer manifest; its manifests are ${names}`)
  return exported[name]
}
