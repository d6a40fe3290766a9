import { MessagingError } from '../errors/messaging-error.ts'
import { describeType, type Codec } from './codec.ts'

/** JSON text in UTF-8, as `JSON.stringify` writes it. */
export function createJsonCodec<Payload>(manifest: string): Codec<Payload> {
  return {
    name: 'json',
    encode(payload) {
      let text: string | undefined
      try {
        text = JSON.stringify(payload)
      } catch (error) {
        // JSON.stringify refuses bigints and cycles; anything else was thrown by a toJSON of the payload.
        const { path, actual } = findUnserializable(payload) ?? { path: '$', actual: 'a value whose toJSON() throws' }
        throw new MessagingError(
          'PAYLOAD_INVALID',
          { manifest, path, expected: 'a JSON value', actual },
          { manifest, cause: error },
        )
      }
      if (text === undefined) {
        const parameters = { manifest, path: '$', expected: 'a JSON value', actual: describeType(payload) }
        throw new MessagingError('PAYLOAD_INVALID', parameters, { manifest })
      }
      return Buffer.from(text)
    },
    decode(bytes) {
      try {
        return JSON.parse(bytes.toString()) as Payload
      } catch {
        // The parser's message quotes the text.
        throw new MessagingError('PAYLOAD_UNDECODABLE', { format: 'JSON', reason: 'the text is not JSON' })
      }
    },
  }
}

function findUnserializable(
  value: unknown,
  path = '$',
  parents: readonly unknown[] = [],
): { path: string; actual: string } | undefined {
  if (typeof value === 'bigint') return { path, actual: 'bigint' }
  if (typeof value !== 'object' || value === null) return undefined
  if (parents.includes(value)) return { path, actual: 'a reference to one of its parents' }
  for (const [name, child] of Object.entries(value)) {
    const found = findUnserializable(child, `${path}.${name}`, [...parents, value])
    if (found) return found
  }
  return undefined
}
