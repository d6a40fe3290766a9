import { Buffer } from 'node:buffer'
import * as fc from '../fast-check.ts'
import { describe, expect, test } from 'vitest'
import { readNdjson, type NdjsonLine } from '../../src/cli/ndjson.ts'

async function* inChunks(chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* chunks
}

async function collect(source: AsyncIterable<Uint8Array | string>): Promise<NdjsonLine[]> {
  const lines: NdjsonLine[] = []
  for await (const line of readNdjson(source)) lines.push(line)
  return lines
}

function read(...chunks: (Uint8Array | string)[]): Promise<NdjsonLine[]> {
  return collect(inChunks(chunks))
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

test('each line is a value with its number', async () => {
  expect(await read('{"a":1}\n[2]\n"three"\nnull\n')).toEqual([
    { line: 1, value: { a: 1 } },
    { line: 2, value: [2] },
    { line: 3, value: 'three' },
    { line: 4, value: null },
  ])
})

test('however the bytes are cut into chunks, the lines are the same, multi-byte characters included', async () => {
  const value = fc.jsonValue({ stringUnit: 'binary' })
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      fc.boolean(),
      fc.constantFrom('\n', '\r\n'),
      async (values, places, endsWithNewline, newline) => {
        const text = values.map((single) => JSON.stringify(single)).join(newline) + (endsWithNewline ? newline : '')
        const expected = values.map((single, index) => ({ line: index + 1, value: JSON.parse(JSON.stringify(single)) }))
        expect(await read(...cut(Buffer.from(text), places))).toEqual(expected)
      },
    ),
  )
})

test('even byte by byte', async () => {
  const bytes = Buffer.from('{"name":"Zoë 🚀"}\n{"name":"漢字"}')
  expect(await read(...cut(bytes, [...bytes.keys()]))).toEqual([
    { line: 1, value: { name: 'Zoë 🚀' } },
    { line: 2, value: { name: '漢字' } },
  ])
})

test('blank lines are passed over and still counted', async () => {
  expect(await read('\n  \n1\r\n\r\n2')).toEqual([
    { line: 3, value: 1 },
    { line: 5, value: 2 },
  ])
  expect(await read('')).toEqual([])
  expect(await read()).toEqual([])
})

test('a byte order mark at the start is no part of the first line', async () => {
  expect(await read(Buffer.from([0xef, 0xbb, 0xbf]), '1\n')).toEqual([{ line: 1, value: 1 }])
})

describe('a line without value says why, and does not quote itself', () => {
  test.each([
    ['canary', 'not JSON'],
    ['{canary: 1}', 'not JSON from column 2 on'],
    ['{"a": 1} canary', 'not JSON from column 10 on'],
    ['{"at position 7 (line 1 column 8)": canary}', 'not JSON'],
    ['{"a":', 'not JSON: it ends too early'],
    ['"open', 'not JSON from column 6 on'],
    ['undefined', 'not JSON'],
  ])('%s', async (text, reason) => {
    const lines = await read(`1\n${text}\n2`)
    expect(lines).toEqual([
      { line: 1, value: 1 },
      { line: 2, reason },
      { line: 3, value: 2 },
    ])
  })

  test('bytes that are no UTF-8', async () => {
    expect(await read(Buffer.from([0x22, 0xff, 0x22, 0x0a]), '2')).toEqual([
      { line: 1, reason: 'the line is not UTF-8 text' },
      { line: 2, value: 2 },
    ])
  })
})

test('an endless line is refused without being held in memory, and the next one is read', async () => {
  const chunk = Buffer.alloc(16 * 1024 * 1024, 'x')
  let sent = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    for (; sent < 40; sent++) yield chunk
    yield Buffer.from('\n{"a":1}\n')
  }
  const lines = await collect(source())
  expect(lines).toEqual([
    { line: 1, reason: 'the line is longer than 67108864 bytes' },
    { line: 2, value: { a: 1 } },
  ])
})

test('lines are read as they are taken, and no further once nobody takes them', async () => {
  const log: string[] = []
  async function* source(): AsyncGenerator<string> {
    try {
      for (let index = 0; index < 10; index++) {
        log.push(`chunk ${index}`)
        yield `${index}\n`
      }
    } finally {
      log.push('closed')
    }
  }
  for await (const { line } of readNdjson(source())) if (line === 2) break
  expect(log).toEqual(['chunk 0', 'chunk 1', 'closed'])
})
