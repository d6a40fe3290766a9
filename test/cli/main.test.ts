import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

describe.concurrent('postrider', () => {
  test.each([['--help'], ['help']])('%s lists the commands', async (name) => {
    const { status, stdout, stderr } = await runCli([name])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('postrider COMMAND [OPTIONS]')
    expect(stdout).toMatch(/^ {2}send +send lines of JSON/m)
  })

  test('send --help shows how to send, whatever else is given', async () => {
    const { status, stdout, stderr } = await runCli(['send', '--nonsense', '--help'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('--manifest FILE#CLASS')
  })

  test('--version tells the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await runCli(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each([['sned'], ['constructor'], ['__proto__']])('the unknown command %s is wrong usage', async (name) => {
    const { status, stdout, stderr } = await runCli([name])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`Unknown command ${name}.`)
    expect(stderr).toContain('postrider COMMAND [OPTIONS]')
  })

  test('so is none at all', async () => {
    const { status, stderr } = await runCli([])
    expect(status).toBe(2)
    expect(stderr).toContain('Unknown command (none).')
  })

  test('an unknown option is wrong usage of its command', async () => {
    const { status, stdout, stderr } = await runCli(['send', '--nonsense'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain("Unknown option '--nonsense'")
    expect(stderr).toContain('--manifest FILE#CLASS')
  })
})
