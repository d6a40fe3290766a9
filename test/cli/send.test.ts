import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withMockCluster } from '../with-mock-cluster.ts'
import { runCli } from './run-cli.ts'

const note = ['send', '--manifest', './test/cli/manifests.ts#Note']
const memory = { POSTRIDER_DRIVER: 'memory' }

describe('over the memory driver', () => {
  test('every line of standard input is sent', async () => {
    const input = '{"text":"one"}\n\n{"text":"two"}\n{"text":"three"}'
    expect(await runCli(note, { input, environment: memory })).toEqual({
      status: 0,
      stdout: 'Note: 3 acknowledged, 0 failed\n',
      stderr: '',
    })
  })

  test('no lines are no failure', async () => {
    expect(await runCli(note, { environment: memory })).toMatchObject({
      status: 0,
      stdout: 'Note: 0 acknowledged, 0 failed\n',
    })
  })

  test('more lines than may be on their way at a time', async () => {
    const input = '{"text":"x"}\n'.repeat(25_000)
    expect(await runCli(note, { input, environment: memory })).toMatchObject({
      status: 0,
      stdout: 'Note: 25000 acknowledged, 0 failed\n',
    })
  })

  test('a bad line is named by its number and stops the reading', async () => {
    const input = '{"text":"one"}\n\n{canary}\n{"text":"never read"}\n'
    expect(await runCli(note, { input, environment: memory })).toEqual({
      status: 1,
      stdout: 'Note: 1 acknowledged, 1 failed; stopped at the first failure (--skip-invalid goes on)\n',
      stderr: 'line 3: not JSON from column 2 on\n',
    })
  })

  test.each([
    ['a line that is not JSON', 'bad\n'],
    ['a payload that is refused', 'null\n'],
  ])('of a source without end, %s stops at once', async (_, bad) => {
    const run = await runCli(note, { input: `{"text":"one"}\n${bad}`, endless: true, environment: memory })
    expect(run).toMatchObject({ status: 1, stdout: expect.stringContaining('1 acknowledged, 1 failed') as string })
  })

  test('with --skip-invalid bad lines are named and the others sent', async () => {
    const tooLarge = JSON.stringify({ text: 'canary'.repeat(200) })
    const input = `{"text":"one"}\nbad\n${tooLarge}\nnull\n{"text":"last"}\n`
    const { status, stdout, stderr } = await runCli([...note, '--skip-invalid'], { input, environment: memory })
    expect([status, stdout]).toEqual([1, 'Note: 2 acknowledged, 3 failed\n'])
    const lines = stderr.trim().split('\n').toSorted()
    expect(lines).toEqual([
      'line 2: not JSON',
      expect.stringContaining('line 3: MESSAGE_TOO_LARGE: '),
      expect.stringContaining('line 4: PAYLOAD_INVALID: '),
    ])
    expect(stderr).not.toContain('canary')
  })

  test('an Avro manifest says by path what does not fit', async () => {
    const args = ['send', '--manifest', './test/cli/manifests.ts#Counted', '--schema-registry', 'memory:']
    const input = '{"count":1}\n{"count":"canary"}\n'
    const { status, stderr } = await runCli(args, { input, environment: memory })
    expect(status).toBe(1)
    expect(stderr).toBe('line 2: PAYLOAD_INVALID: Payload of Counted at $.count: expected int, got string.\n')
  })

  describe('with --input', () => {
    let folder: string

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'send-'))
    })

    afterAll(() => rmSync(folder, { recursive: true }))

    test('a file is read in place of standard input', async () => {
      const file = join(folder, 'events.ndjson')
      writeFileSync(file, '{"text":"from the file"}\n')
      const run = await runCli([...note, '--input', file], { input: 'not this', environment: memory })
      expect(run).toMatchObject({ status: 0, stdout: 'Note: 1 acknowledged, 0 failed\n' })
    })

    test('a file that is not there is named', async () => {
      const { status, stderr } = await runCli([...note, '--input', join(folder, 'gone')], { environment: memory })
      expect(status).toBe(2)
      expect(stderr).toContain('gone: the file cannot be read (ENOENT)')
    })
  })
})

describe('refusing', () => {
  test('a command without manifest is wrong usage', async () => {
    const { status, stderr } = await runCli(['send'])
    expect(status).toBe(2)
    expect(stderr).toContain('--manifest is missing')
    expect(stderr).toContain('--manifest FILE#CLASS')
  })

  test('a manifest that cannot be loaded is wrong usage', async () => {
    const { status, stderr } = await runCli(['send', '--manifest', './test/cli/manifests.ts#Nope'])
    expect(status).toBe(2)
    expect(stderr).toContain('the file has no export Nope; its manifests are Counted, Note')
  })

  test('a failure of configuration is told with the line that met it', async () => {
    const { status, stderr } = await runCli(note, { input: '{"text":"x"}\n' })
    expect(status).toBe(1)
    expect(stderr).toContain('line 1: CONFIG_MISSING: Config field brokers is not set.')
    expect(stderr).toContain('POSTRIDER_BROKERS')
  })

  test('brokers that are none', async () => {
    const { status, stderr } = await runCli([...note, '--brokers', 'nonsense'], { input: '{"text":"x"}\n' })
    expect(status).toBe(2)
    expect(stderr).toContain('brokers')
    expect(stderr).toContain('nonsense')
  })
})

describe('over a cluster', () => {
  const cluster = withMockCluster({ brokers: 1 })

  test('lines are acknowledged by the brokers of --brokers, which win over the environment', async () => {
    const input = '{"text":"x"}\n'.repeat(1000)
    const environment = { POSTRIDER_BROKERS: '127.0.0.1:1' }
    const run = await runCli([...note, '--brokers', cluster.address], { input, environment })
    expect(run).toEqual({ status: 0, stdout: 'Note: 1000 acknowledged, 0 failed\n', stderr: '' })
  })
})
