import { describe, expect, test, vi } from 'vitest'
import { createStringCodec } from '../../src/encoding/raw-codec.ts'
import { messageBytes, MessageEncoder, type MessageEncoderParts } from '../../src/factory/message-encoder.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'
import { catchError } from '../catch-error.ts'

class Text extends ProducerManifest<string> {
  topic = 'texts'
}

function createEncoder(parts: Partial<MessageEncoderParts<string>> = {}, copiesValue = false) {
  const codec = createStringCodec('Text')
  return new MessageEncoder<string>(
    { name: 'Text', manifest: new Text(), topic: 'texts', codec, ...parts },
    copiesValue,
  )
}

test('a message is what the manifest and the call say', () => {
  class Full extends Text {
    override prepare = (text: string) => text.toUpperCase()
    override key = (text: string) => text
    override partition = (_text: string, key: Buffer | null) => key?.length
    override timestamp = () => new Date(5)
    override headers = () => ({ a: '1' })
  }
  const encoder = createEncoder({ manifest: new Full() })
  expect(encoder.encode('ab', { headers: { b: '2' } }, false, false)).toEqual({
    topic: 'texts',
    value: Buffer.from('AB'),
    key: Buffer.from('AB'),
    headers: [
      ['a', Buffer.from('1')],
      ['b', Buffer.from('2')],
    ],
    partition: 2,
    timestamp: 5,
  })
})

test('a tombstone has no value and asks the manifest nothing', () => {
  const key = vi.fn()
  const encoder = createEncoder({ manifest: Object.assign(new Text(), { key }) })
  const message = encoder.encode(null, { key: 'k' }, true, false)
  expect(message).toEqual({
    topic: 'texts',
    value: null,
    key: Buffer.from('k'),
    headers: undefined,
    partition: -1,
    timestamp: 0,
  })
  expect(key).not.toHaveBeenCalled()
})

test('the value is copied where the driver does not do it', () => {
  const [first, second] = ['first', 'second'].map((text) => createEncoder().encode(text, {}, false, false))
  expect([first!.value, second!.value]).toEqual([Buffer.from('first'), Buffer.from('second')])
  const shared = createEncoder({}, true)
  const before = shared.encode('first', {}, false, false).value!
  expect(before.buffer).toBe(shared.encode('second', {}, false, false).value!.buffer)
})

describe('the message id', () => {
  const messageId = { header: 'id', create: () => Buffer.from('new') }

  test('comes after all other headers, also on tombstones', () => {
    const encoder = createEncoder({ messageId })
    expect(encoder.encode('a', {}, false, false).headers).toEqual([['id', Buffer.from('new')]])
    expect(encoder.encode(null, { key: 'k', headers: { a: '1' } }, true, false).headers).toEqual([
      ['a', Buffer.from('1')],
      ['id', Buffer.from('new')],
    ])
  })

  test('is not made where the caller gave one, so that a message sent again keeps its own', () => {
    const encoder = createEncoder({ messageId })
    expect(encoder.encode('a', { headers: { id: 'own' } }, false, false).headers).toEqual([['id', Buffer.from('own')]])
  })
})

test('the time of the codec is measured for the first and every 16th message, and only when asked for', () => {
  const encoder = createEncoder()
  const measured = Array.from({ length: 17 }, () => {
    encoder.encode('a', {}, false, true)
    return encoder.lastEncodeMs !== undefined
  })
  expect(measured.flatMap((isMeasured, index) => (isMeasured ? [index] : []))).toEqual([0, 16])
  encoder.encode('a', {}, false, false)
  expect(encoder.lastEncodeMs).toBeUndefined()
})

test('a method that throws is named', () => {
  const cause = new Error('no key')
  const key = (): never => {
    throw cause
  }
  const encoder = createEncoder({ manifest: Object.assign(new Text(), { key }) })
  const error = catchError(() => encoder.encode('a', {}, false, false))
  expect(error).toMatchObject({ code: 'MANIFEST_HOOK_FAILED', cause })
  expect(error.message).toContain('key()')
})

test('bytes are those of key, value and headers', () => {
  const message = createEncoder().encode('äb', { key: 'k', headers: { ë: 'ü' } }, false, false)
  expect(messageBytes(message)).toBe(3 + 1 + 4)
  expect(messageBytes({ ...message, key: null, value: null, headers: undefined })).toBe(0)
})
