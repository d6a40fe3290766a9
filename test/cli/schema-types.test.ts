import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateTypes, runSchemaTypes } from '../../src/cli/schema-types.ts'
import type { CommandStreams } from '../../src/cli/send.ts'
import { catchRejection } from '../catch-error.ts'

const schema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  doc: 'An order.',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'count', type: 'long', default: 1 },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'before', type: ['null', 'State'] },
    {
      name: 'lines',
      type: { type: 'array', items: { type: 'record', name: 'Line', fields: [{ name: 'price', type: 'double' }] } },
    },
    { name: 'labels', type: { type: 'map', values: ['null', 'Hash'] } },
    { name: 'parent', type: ['null', 'Order'] },
    { name: 'which', type: ['null', 'Line', { type: 'map', values: 'int' }] },
    { name: 'other', type: { type: 'enum', name: 'other.State', symbols: ['X'] } },
  ],
}

test('types have the shapes of what the codec reads', () => {
  expect(generateTypes(schema, 'order.avsc')).toBe(`// Generated from order.avsc by \`postrider schemas types\`.

export type State = "OPEN" | "PAID"

export interface Line {
  price: number
}

export type other_State = "X"

/** An order. */
export interface Order {
  id: string
  amount: string
  at: Date
  count?: number | undefined
  note?: null | string | undefined
  state: State
  hash: Buffer
  before: null | State
  lines: Array<Line>
  labels: { [key: string]: null | Buffer }
  parent: null | Order
  which: null | { "shop.Line": Line } | { "map": { [key: string]: number } }
  other: other_State
}
`)
})

test.each<[unknown, 'number' | 'bigint', string]>([
  ['long', 'bigint', 'bigint'],
  [['int', 'long'], 'bigint', 'number | bigint'],
  [['int', 'long'], 'number', '{ "int": number } | { "long": number }'],
  [{ type: 'int', logicalType: 'unknown' }, 'number', 'number'],
  [{ type: { type: 'string' } }, 'number', 'string'],
])('%j with longs as %s is %s', (part, longs, type) => {
  expect(generateTypes(part, 'x.avsc', longs)).toContain(`export type Payload = ${type}\n`)
})

describe('postrider schemas types', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'schema-types-'))
    await writeFile(join(directory, 'order.avsc'), JSON.stringify(schema))
    await writeFile(join(directory, 'bad.avsc'), '{"type":"rekord"}')
  })
  afterAll(() => rm(directory, { recursive: true }))

  const run = async (...args: string[]): Promise<string> => {
    let written = ''
    const stdout = { write: (text: string) => (written += text) }
    expect(await runSchemaTypes(args, { stdout } as unknown as CommandStreams)).toBe(0)
    return written
  }

  test('prints, or writes a file for each', async () => {
    const file = join(directory, 'order.avsc')
    const printed = await run(file)
    expect(printed).toBe(generateTypes(schema, 'order.avsc'))
    expect(await run(file, '--out', join(directory, 'types'))).toBe('')
    expect(await readFile(join(directory, 'types', 'order.ts'), 'utf8')).toBe(printed)
  })

  test.each([
    [[], 'name at least one'],
    [['x.avsc', '--longs', 'text'], '--longs must be'],
    [['missing.avsc'], 'missing.avsc: ENOENT'],
  ])('%j is refused', async (args, message) => {
    const error = await catchRejection(runSchemaTypes(args, {} as CommandStreams))
    expect(error.code).toBe('INPUT_INVALID')
    expect(error.message).toContain(message)
  })

  test('a file that is no Avro is named', async () => {
    const error = await catchRejection(runSchemaTypes([join(directory, 'bad.avsc')], {} as CommandStreams))
    expect(error.message).toMatch(/bad\.avsc: .*unknown type: "rekord"\.$/)
  })
})
