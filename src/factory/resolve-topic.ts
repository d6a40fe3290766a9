import { environmentName } from '../config/environment.ts'
import type { MessagingConfig } from '../config/fields.ts'
import { describeType } from '../encoding/codec.ts'
import { MessagingError } from '../errors/messaging-error.ts'

/** Kafka's rule for topic names (org.apache.kafka.common.internals.Topic). */
const legalTopic = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/

export function isLegalTopic(name: string): boolean {
  return legalTopic.test(name)
}

/**
 * The topic a manifest sends to: prefix, then the name (from config or declared).
 * @throws MANIFEST_INVALID, MANIFEST_HOOK_FAILED, CONFIG_MISSING for an environment that is asked for and not said
 */
export function resolveTopic(
  manifest: string,
  declared: string | ((environment: string) => string),
  override: string | undefined,
  config: Pick<MessagingConfig, 'environment' | 'topicPrefix'>,
): string {
  const { topicPrefix } = config
  let name: unknown = override ?? declared
  let environment = ''
  if (typeof name === 'function' || topicPrefix.includes('{environment}')) {
    // A guess would send to the topics of another deployment.
    const path = 'environment'
    if (config.environment === undefined)
      throw new MessagingError('CONFIG_MISSING', { path, env: environmentName(path) })
    environment = config.environment
  }
  if (typeof name === 'function') {
    try {
      name = (declared as (environment: string) => unknown)(environment)
    } catch (error) {
      throw new MessagingError(
        'MANIFEST_HOOK_FAILED',
        { manifest, hook: 'topic', reason: '' },
        { manifest, cause: error },
      )
    }
  }
  const invalid = (reason: string): MessagingError =>
    new MessagingError('MANIFEST_INVALID', { manifest, attribute: 'topic', reason }, { manifest })
  if (typeof name !== 'string') throw invalid(`must give a string, not ${describeType(name)}`)
  const topic = `${topicPrefix.replaceAll('{environment}', environment)}${name}`
  if (name === '' || !legalTopic.test(topic)) {
    throw invalid(`${JSON.stringify(topic)} is not a legal name (1 to 249 letters, digits, ".", "_" or "-")`)
  }
  return topic
}
