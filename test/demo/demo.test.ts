import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createConfluentApi, startServer } from '../schema-registry/http-server.ts'

const demo = fileURLToPath(new URL('../../demo/demo.ts', import.meta.url))

interface End {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** A row of the table. */
  readonly row: (label: string) => string | undefined
}

function runDemo(args: readonly string[], stdin = ''): Promise<End> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [demo, ...args], (error, stdout, stderr) => {
      const row = (label: string): string | undefined => new RegExp(`^${label} {2,}(.*)$`, 'm').exec(stdout)?.[1]
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr, row })
    })
    child.stdin?.end(stdin)
  })
}

describe('demo', () => {
  let directory: string
  const file = (name: string): string => join(directory, name)

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'postrider-demo-'))
    const events = Array.from({ length: 30_000 }, (_, index) =>
      JSON.stringify({ id: `key-${index % 50}`, index, text: 'ß'.repeat(20) }),
    )
    await writeFile(file('events.ndjson'), events.join('\n'))
    await writeFile(file('broken.ndjson'), '{"id":1}\nnope\n[1]\n\n{"id":2,\n{"id":3}')
    await writeFile(file('shapes.ndjson'), '{"key":"a","json":"{}"}\n{"key":5,"json":"{}"}\n{"key":null,"json":"{}"}')
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('without arguments publishes the history of the repository it is in, or a sample where there is none', async () => {
    const { code, stdout, stderr } = await runDemo([])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^input +(the git history of this repository|a sample of events)/)
    expect(stdout).toContain('nothing: native library not loaded, 0 threads or handles opened')
    expect(stdout).toContain('Every record arrived once, in order and unchanged.')
    expect(code).toBe(0)
  })

  test('publishes a file as often as asked, more than is ever held in memory at a time', async () => {
    const { code, row } = await runDemo(['--input', file('events.ndjson'), '--repeat', '2'])
    expect(row('read back and equal')).toBe('60,000')
    expect(['missing', 'duplicated', 'reordered in a key', 'different', 'failed sends'].map(row)).toEqual([
      '0',
      '0',
      '0',
      '0',
      '0',
    ])
    expect(code).toBe(0)
  })

  test('publishes one record from standard input', async () => {
    const { code, row } = await runDemo(['--input', '-'], '{"id":1}')
    expect(row('read back and equal')).toBe('1')
    expect(code).toBe(0)
  })

  test('stops at the first broken line, and says which', async () => {
    const { code, stderr, row } = await runDemo(['--input', file('broken.ndjson')])
    expect(stderr).toBe('line 2: not JSON\n')
    expect(row('records acknowledged')).toBe('1')
    expect(code).toBe(1)
  })

  test('goes on with --skip-invalid, and counts', async () => {
    const { code, stderr, row } = await runDemo(['--input', file('broken.ndjson'), '--skip-invalid'])
    expect(stderr.match(/^line \d+/gm)).toEqual(['line 2', 'line 3', 'line 5'])
    expect(row('invalid records')).toBe('3, skipped')
    expect(row('read back and equal')).toBe('2')
    expect(code).toBe(0)
  })

  test('refuses payloads that do not fit the manifest of --manifest by line and path', async () => {
    const manifest = `${fileURLToPath(new URL('../../demo/manifests.ts', import.meta.url))}#EventRecorded`
    const { stderr } = await runDemo(['--input', file('shapes.ndjson'), '--manifest', manifest, '--skip-invalid'])
    expect(stderr).toBe(
      'line 2: PAYLOAD_INVALID: Payload of EventRecorded at $.key: expected null or string, got number.\n',
    )
  })

  test('with a schema registry over HTTP, writer and reader each ask it themselves', async () => {
    await using server = await startServer(createConfluentApi())
    const { code, row } = await runDemo(['--input', file('shapes.ndjson'), '--schema-registry', server.url])
    expect(row('read back and equal')).toBe('3')
    const asked = server.requests.map(({ method, path }) => `${method} ${path.replace(/demo-\w+/, 'demo')}`)
    const [subject = ''] = asked[0]!.split(' ').slice(1)
    expect(asked).toEqual([`POST ${subject}`, `POST ${subject}/versions`, 'GET /schemas/ids/1'])
    expect(subject).toMatch(/^\/subjects\/demo\.[\w.]+-value$/)
    expect(code).toBe(0)
  })

  test('an input without records proves nothing, and is no success', async () => {
    const { code, stdout } = await runDemo(['--input', '-'])
    expect(stdout).toContain('The input held no records: nothing was published.')
    expect(code).toBe(1)
  })

  test.each([
    [['--repeat', '0'], '--repeat takes a whole number from 1, not 0'],
    [['--repeat', '2', '--input', '-'], '--repeat needs an input that can be read again'],
    [['--input', '/no/such/file'], 'no such file'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--schema-registry', 'ftp://x'], 'schemaRegistry.url'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await runDemo(args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
