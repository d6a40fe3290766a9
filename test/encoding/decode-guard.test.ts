import * as fc from '../fast-check.ts'
import { execFileSync } from 'node:child_process'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAvroDecoder } from '../../src/encoding/avro-codec.ts'
import type { AvroSchema, AvroType } from '../../src/encoding/avsc-module.ts'
import { defaultDecodeLimits, guardedTapClassOf, type DecodeLimits } from '../../src/encoding/decode-guard.ts'
import { isMessagingError } from '../../src/errors/messaging-error.ts'
import { catchError } from '../catch-error.ts'
import { cpuTimeMs } from '../cpu-time.ts'
import { parseAvro } from './parse-avro.ts'
import { randomSchema } from './random-schema.ts'

const record = (name: string, ...types: unknown[]): object => ({
  type: 'record',
  name,
  fields: types.map((type, index) => ({ name: `f${index}`, type })),
})
const array = (items: unknown): object => ({ type: 'array', items })
const list = record('Node', 'int', ['null', 'Node'])
const tree = record('Tree', array('Tree'))
/** avsc reads it as NaN. */
const tooManyDigits = Buffer.concat([Buffer.alloc(200, 0x80), Buffer.alloc(2)])
/** Zigzag varints. */
const longs = (...values: number[]): Buffer => {
  const bytes: number[] = []
  for (const value of values) {
    let rest = value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value)
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
  }
  return Buffer.from(bytes)
}

const bombs: [name: string, schema: AvroSchema, bytes: Buffer, reason: string][] = [
  ['three million longs in four bytes', array('long'), longs(3_000_000), 'claims 3000000 items'],
  ['nulls without end', array('null'), longs(2 ** 31, 0), 'maxItems'],
  [
    'nulls below the limit, again and again',
    array('null'),
    longs(...Array.from({ length: 20 }, () => 60_000), 0),
    'maxEmptyItems',
  ],
  ['empty records', array(record('R', record('S', 'null'))), longs(60_000, 0), 'maxEmptyItems'],
  ['a map of nulls', { type: 'map', values: 'null' }, longs(1_000_000, 0), 'claims 1000000 items'],
  ['a negative count', array('int'), longs(-3_000_000, 0), 'claims 3000000 items'],
  ['a negative block size', array('int'), longs(-1, -5, 0, 0), 'a size of -5 bytes'],
  ['a block size beyond the end', array('int'), longs(-1, 5, 0, 0), 'a size of 5 bytes'],
  ['a block size that is not true', array('int'), longs(-1, 2, 0, 0), 'does not end where its size says'],
  [
    'a block size that is not true, of fixed items',
    array('boolean'),
    longs(-1, 2, 0, 0),
    'does not end where its size says',
  ],
  ['the smallest long as a count', array('int'), Buffer.from('ffffffffffffffffff01', 'hex'), 'claims 92233720368547'],
  ['a count of twenty bytes', array('int'), Buffer.alloc(20, 0xff), 'claims'],
  ['a count that is no number', array('int'), tooManyDigits, 'too many digits'],
  ['a length that is no number', 'bytes', tooManyDigits, 'too many digits'],
  ['a list without end', list, Buffer.alloc(200_000, 2), 'maxDepth'],
  ['a tree without end', tree, Buffer.alloc(200_000, 2), 'maxDepth'],
  ['a record that holds itself', record('Self', 'Self'), Buffer.alloc(4), 'maxDepth'],
  ['records that hold themselves', array(record('Self', 'Self')), longs(1, 0), 'maxDepth'],
  [
    'records that hold each other',
    record('Man', ['null', record('Wife', ['null', 'Man'])]),
    Buffer.alloc(2000, 2),
    'maxDepth',
  ],
  [
    'more than a million small items',
    array(array('int')),
    Buffer.concat([longs(1_000_001), Buffer.alloc(1_000_002)]),
    'maxItems',
  ],
]

describe.each(bombs)('%s: PAYLOAD_REJECTED', (_, schema, bytes, reason) => {
  const reject = (writer: AvroType, reader: AvroType, message = bytes): void => {
    const error = catchError(() => createAvroDecoder(writer, reader)(message, 0))
    expect(error).toMatchObject({ code: 'PAYLOAD_REJECTED', outcome: 'rejected', retriable: false })
    expect(error.message).toContain(reason)
  }

  test('read as it was written', async () => {
    const type = await parseAvro(schema)
    reject(type, type)
  })

  test('resolved to the schema of the reader', async () => reject(await parseAvro(schema), await parseAvro(schema)))
})

test('each bomb ends within 50 ms of computing, in a heap of 64 MB', () => {
  const program = `
    import { cpuTimeMs } from './test/cpu-time.ts'
    import { loadAvroTypes } from './src/encoding/avro-types.ts'
    import { createAvroDecoder } from './src/encoding/avro-codec.ts'
    const parse = await loadAvroTypes()
    const times = []
    for (const [schema, hex] of JSON.parse(process.argv[1])) {
      const type = parse(schema, 's')
      const decode = createAvroDecoder(type, type)
      const bytes = Buffer.from(hex, 'hex')
      const start = cpuTimeMs()
      try { decode(bytes, 0); times.push('decoded') } catch (error) { times.push(error.code === 'PAYLOAD_REJECTED' ? cpuTimeMs() - start : String(error)) }
    }
    console.log(JSON.stringify(times))`
  const small = bombs
    .filter(([, , bytes]) => bytes.length < 10_000)
    .map(([, schema, bytes]) => [schema, bytes.toString('hex')])
  const output = execFileSync(
    process.execPath,
    ['--max-old-space-size=64', '--input-type=module', '--eval', program, JSON.stringify(small)],
    { cwd: new URL('../../', import.meta.url), encoding: 'utf8' },
  )
  const times = JSON.parse(output) as unknown[]
  expect(times).toHaveLength(small.length)
  for (const time of times) expect(time).toSatisfy((ms) => typeof ms === 'number' && ms < 50)
})

describe('limits', () => {
  const decoderOf = async (schema: AvroSchema, limits: Partial<DecodeLimits>) => {
    const type = await parseAvro(schema)
    return createAvroDecoder<unknown>(type, type, { ...defaultDecodeLimits, ...limits })
  }

  test.each<[Partial<DecodeLimits>, AvroSchema, fits: Buffer, exceeds: Buffer]>([
    [
      { maxBytes: 10 },
      'string',
      Buffer.concat([longs(9), Buffer.alloc(9)]),
      Buffer.concat([longs(10), Buffer.alloc(10)]),
    ],
    [{ maxItems: 3 }, array('int'), longs(3, 0, 0, 0, 0), longs(3, 0, 0, 0, 1, 0, 0)],
    [{ maxEmptyItems: 3 }, array('null'), longs(3, 0), longs(2, 2, 0)],
    [{ maxDepth: 2 }, list, longs(0, 1, 0, 1, 0, 0), longs(0, 1, 0, 1, 0, 1, 0, 0)],
  ])('%j', async (limits, schema, fits, exceeds) => {
    const decode = await decoderOf(schema, limits)
    expect(() => decode(fits, 0)).not.toThrow()
    expect(catchError(() => decode(exceeds, 0)).message).toContain(Object.keys(limits)[0])
    expect(() => decode(fits, 0), 'nothing is left of the one before').not.toThrow()
  })

  test('are those of messages, not of what the process copies itself', async () => {
    const decode = await decoderOf(record('R', array('int')), { maxItems: 3 })
    const value = decode(longs(2, 5, 6, 0), 0) as { clone(): unknown }
    expect([value.clone(), value.clone()]).toEqual([value, value])
  })
})

test('sized blocks, as other writers make them, are read', async () => {
  const type = await parseAvro(array('string'))
  const bytes = Buffer.concat([longs(-2, 4), Buffer.from([2, 97, 2, 98]), longs(1), Buffer.from([2, 99]), longs(0)])
  expect(createAvroDecoder(type, type)(bytes, 0)).toEqual(['a', 'b', 'c'])
})

describe('fields that the reader leaves out', () => {
  const skip = async (type: unknown, bytes: Buffer): Promise<unknown> => {
    const [writer, reader] = [
      record('R', type, 'int'),
      { type: 'record', name: 'R', fields: [{ name: 'f1', type: 'int' }] },
    ]
    return createAvroDecoder<unknown>(await parseAvro(writer), await parseAvro(reader))(bytes, 0)
  }
  const map = { type: 'map', values: 'int' }

  test.each([
    ['an array', array('string'), Buffer.concat([longs(1, 1), Buffer.from('a'), longs(0, 7)])],
    ['a map', map, Buffer.concat([longs(1, 1), Buffer.from('a'), longs(9, 0, 7)])],
    ['a sized block', array('int'), longs(-2, 2, 5, 6, 0, 7)],
    ['a sized block of a map', map, Buffer.concat([longs(-1, 3, 1), Buffer.from('a'), longs(9, 0, 7)])],
    ['a tree', tree, longs(1, 1, 0, 0, 0, 7)],
  ])('%s is skipped', async (_, type, bytes) => expect(await skip(type, bytes)).toEqual({ f1: 7 }))

  // avsc goes back by a negative size, and so on for ever.
  test.each([
    ['a negative block size', array('int'), longs(-1, -3, 0, 7), 'a size of -3 bytes'],
    ['a negative block size of a map', map, longs(-1, -3, 0, 7), 'a size of -3 bytes'],
    ['a block size beyond the end', array('int'), longs(-1, 9, 0, 7), 'a size of 9 bytes'],
    ['a block size that is not true', array('int'), longs(-1, 2, 0, 0, 7), 'does not end where its size says'],
    ['a count beyond the end', array('int'), longs(3_000_000, 0, 7), 'claims 3000000 items'],
    ['nulls without end', array('null'), longs(2 ** 31, 0, 7), 'maxItems'],
    ['a tree without end', tree, Buffer.alloc(2000, 2), 'maxDepth'],
  ])('%s: PAYLOAD_REJECTED', async (_, type, bytes, reason) => {
    await expect(skip(type, bytes)).rejects.toMatchObject({
      code: 'PAYLOAD_REJECTED',
      message: expect.stringContaining(reason) as string,
    })
  })
})

test.each<[string, AvroSchema, bytes: Buffer]>([
  ['a string', record('R', 'string', array('int')), longs(-5, 0)],
  ['bytes', record('R', 'bytes', array('int')), longs(-5, 0)],
  ['a key', { type: 'map', values: 'int' }, longs(1, -5, 0, 0, 0)],
])('a negative length of %s claims nothing: undecodable', async (_, schema, bytes) => {
  const type = await parseAvro(schema)
  expect(catchError(() => createAvroDecoder(type, type)(bytes, 0)).code).toBe('PAYLOAD_UNDECODABLE')
})

test('a length that is no number does not spoil what is read after it', async () => {
  const type = await parseAvro('bytes')
  const decode = createAvroDecoder<Buffer>(type, type)
  catchError(() => decode(tooManyDigits, 0))
  expect(decode(type.toBuffer(Buffer.from('abc')), 0).toString()).toBe('abc')
})

describe('past the end nothing more is read', () => {
  const large = record('Large', ...Array.from({ length: 9 }, () => 'boolean'))
  const claimed = 1000
  const bytes = Buffer.concat([longs(claimed), Buffer.alloc(claimed)])

  test.each([
    ['readBoolean', 'read', record('R', array(large))],
    ['skipBoolean', 'left out', record('R')],
  ] as const)('%s: items without a length, %s', async (method, _, schema) => {
    const writer = await parseAvro(record('R', array(large)))
    const decode = createAvroDecoder(writer, await parseAvro(schema))
    const reads = vi.spyOn(guardedTapClassOf(writer).prototype as Record<typeof method, () => void>, method)
    onTestFinished(() => reads.mockRestore())
    expect(catchError(() => decode(bytes, 0)).code).toBe('PAYLOAD_UNDECODABLE')
    expect(reads.mock.calls.length).toBeGreaterThan(900)
    expect(reads.mock.calls.length).toBeLessThan(1100)
  })

  test.each<[string, unknown]>([
    ['int', 'int'],
    ['array', array('null')],
    ['map', { type: 'map', values: 'null' }],
    ['union', ['null']],
  ])('a schema that doubles on each level, of %s', async (_, type) => {
    let schema = record('R0', type)
    for (let level = 1; level < 60; level++) schema = record(`R${level}`, schema, `R${level - 1}`)
    const parsed = await parseAvro(schema)
    expect(catchError(() => createAvroDecoder(parsed, parsed)(Buffer.alloc(100), 0)).code).toBe('PAYLOAD_UNDECODABLE')
  })
})

test('bytes that merely end too early are undecodable, not hostile', async () => {
  const type = await parseAvro(record('R', 'string', array('string')))
  const whole = type.toBuffer({ f0: 'abc', f1: ['de', 'f'] })
  for (let length = 0; length < whole.length; length++) {
    const { code } = catchError(() => createAvroDecoder(type, type)(whole.subarray(0, length), 0))
    expect(['PAYLOAD_UNDECODABLE', 'PAYLOAD_REJECTED']).toContain(code)
    if (length < 5) expect(code).toBe('PAYLOAD_UNDECODABLE')
  }
})

test('a list that ends too early is undecodable, also where its first branch goes on', async () => {
  const type = await parseAvro(record('Node', 'int', ['Node', 'null']))
  expect(catchError(() => createAvroDecoder(type, type)(longs(1, 0, 1), 0)).code).toBe('PAYLOAD_UNDECODABLE')
})

const outer = (...fields: object[]): object => ({ type: 'record', name: 'Outer', fields })

test('a value of any schema passes, comes back, and 100,000 readings of mutated bytes neither crash nor hang', async () => {
  const cases = fc.sample(randomSchema(), 250)
  const random = fc.sample(fc.nat(), 4096)
  let turn = 0
  const next = (limit: number): number => (random[turn++ % random.length]! + turn) % limit
  const outcomes = { decoded: 0, PAYLOAD_UNDECODABLE: 0, PAYLOAD_REJECTED: 0 }
  for (const { schema, value } of cases) {
    const [kept, leftOut] = [
      { name: 'kept', type: 'string' },
      { name: 'value', type: schema },
    ]
    const type = await parseAvro(outer(leftOut, kept))
    const decode = createAvroDecoder<{ value: unknown }>(type, type)
    const resolve = createAvroDecoder<{ value: unknown }>(type, await parseAvro(outer(leftOut, kept)))
    const skip = createAvroDecoder<unknown>(type, await parseAvro(outer(kept)))
    for (const payload of fc.sample(value, 4)) {
      const bytes = type.toBuffer({ value: payload, kept: 'kept' })
      for (const read of [decode, resolve]) {
        const decoded = read(bytes, 0)
        expect(type.toBuffer(decoded), 'avsc’s records are classes, so bytes are compared').toEqual(bytes)
        expect(JSON.stringify(decoded.value, plain)).toBe(JSON.stringify(payload, plain))
      }
      expect(skip(bytes, 0)).toEqual({ kept: 'kept' })
      for (let mutation = 0; mutation < 35; mutation++) {
        const mutated = Buffer.concat([bytes, Buffer.alloc(next(3))])
        for (let change = next(3); change >= 0; change--)
          mutated[next(mutated.length)] = [0, 1, 0x7f, 0x80, 0xff, next(256)][next(6)]!
        const cut = mutated.subarray(0, mutated.length - next(2) * next(mutated.length + 1))
        const start = cpuTimeMs()
        for (const read of [decode, resolve, skip]) outcomes[attempt(() => read(cut, 0))]++
        expect(cpuTimeMs() - start).toBeLessThan(1000)
      }
    }
  }
  const total = Object.values(outcomes).reduce((sum, count) => sum + count)
  expect(total).toBeGreaterThanOrEqual(100_000)
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
})

function attempt(decode: () => unknown): 'decoded' | 'PAYLOAD_UNDECODABLE' | 'PAYLOAD_REJECTED' {
  try {
    decode()
    return 'decoded'
  } catch (error) {
    if (isMessagingError(error, 'PAYLOAD_UNDECODABLE', 'PAYLOAD_REJECTED')) return error.code
    throw error
  }
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  // A map’s keys come back in the order in which JavaScript lists them, as they were given.
  return Object.is(value, -0) ? 0 : value
}
