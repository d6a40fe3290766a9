import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fillTables } from '../../scripts/docs/fill-tables.ts'
import { markdownTable } from '../../scripts/docs/markdown-table.ts'
import { readPayloads } from '../../scripts/docs/read-payloads.ts'
import { configLayers } from '../../src/config/config-store.ts'
import { environmentName } from '../../src/config/environment.ts'
import { consumerManifestFields, fields, manifestFields } from '../../src/config/fields.ts'
import { listFields } from '../../src/config/list-fields.ts'
import { errorCodes } from '../../src/errors/codes.ts'
import { events } from '../../src/instrumentation/events.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const main = join(root, 'scripts/docs/main.ts')

function read(page: string): string {
  return readFileSync(join(root, 'docs', page), 'utf8')
}

function generate(directory: string, ...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: directory, encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

test('the committed pages are what would be written', () => {
  expect(generate(root, '--check')).toEqual({ status: 0, output: '' })
})

describe('a page that is out of date', () => {
  let directory: string
  let page: string
  let fresh: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'docs-'))
    cpSync(join(root, 'docs'), join(directory, 'docs'), { recursive: true })
    generate(directory)
    page = join(directory, 'docs/errors.md')
    fresh = readFileSync(page, 'utf8')
    writeFileSync(page, fresh.replace('`QUEUE_FULL`', '`QUEUE_FILLED`'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('fails the check, which names it and the remedy', () => {
    const { status, output } = generate(directory, '--check')
    expect(status).toBe(1)
    expect(output).toBe('docs/errors.md is out of date; run `npm run docs` and commit the result\n')
  })

  test('is written anew, and it alone', () => {
    expect(generate(directory)).toEqual({ status: 0, output: 'wrote docs/errors.md\n' })
    expect(readFileSync(page, 'utf8')).toBe(fresh)
  })
})

describe('every row is there', () => {
  const paths = listFields({ ...fields, producer: manifestFields, consumer: consumerManifestFields })
  test.each(paths)('field %s', (path, field) => {
    const name = path.replace(/^(producer|consumer)\./, '')
    const row = read('configuration.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\` `) && line.endsWith(` ${field.doc} |`))
    expect(row).toContain(` ${field.type} `)
    if (field.env === false) expect(row).not.toContain('POSTRIDER_')
    else expect(row).toContain(`\`${environmentName(path)}\``)
  })

  test.each(Object.entries(errorCodes))('code %s', (code, { raised, remedy, outcome, retriable }) => {
    const cells = [` ${retriable ? 'yes' : 'no'} `, `\`${outcome}\``, raised, remedy]
    const row = read('errors.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${code}\` `))
    for (const cell of cells) expect(row).toContain(cell)
  })

  test.each(Object.entries(events))('event %s', (name, meaning) => {
    const row = read('events.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\` `))
    expect(row).toContain(meaning)
    for (const field of readPayloads().get(name)!) expect(row).toContain(`\`${field.name}: `)
  })

  test.each(configLayers)('layer %s, in the order of strength', (layer) => {
    const positions = configLayers.map((name) => read('configuration.md').indexOf(`\n| \`${name}\` `))
    expect(positions[configLayers.indexOf(layer)]).toBeGreaterThan(-1)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  })
})

test('payloads come with their types and doc comments', () => {
  const fieldsOfSent = readPayloads().get('message.sent')
  expect(fieldsOfSent?.find(({ name }) => name === 'bytes')).toEqual({ name: 'bytes', type: 'number', doc: '' })
  const duration = readPayloads()
    .get('message.acknowledged')
    ?.find(({ name }) => name === 'durationMs')
  expect(duration?.doc).toMatch(/^From the send, .+\.$/)
})

describe('fillTables', () => {
  const page = 'a\n<!-- table t, written by `npm run docs` -->\n\nold\n\n<!-- end of table -->\nb\n'

  test('replaces what stands between the marks and nothing else', () => {
    expect(fillTables('p.md', page, { t: 'new' })).toBe(page.replace('old', 'new'))
  })

  test.each([
    ['has no place for the table u', page, { t: '', u: '' }],
    ['has a place for the table t, which does not exist', page, {}],
    ['the table t has no end', page.replace('<!-- end', '<!--'), { t: '' }],
  ])('%s', (complaint, text, tables) => {
    expect(() => fillTables('p.md', text, tables)).toThrow(complaint)
  })
})

test('tables keep their columns apart, whatever a cell holds', () => {
  expect(markdownTable(['A', 'B'], [['long', 'x | y']])).toBe('| A    | B |\n| ---- | --- |\n| long | x \\| y |')
})

describe('links between pages', () => {
  const pages = globSync(['*.md', 'docs/*.md'], { cwd: root })

  test.each(pages)('of %s lead somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const links = Array.from(text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g))
    const dead = links.filter(([, path = '', heading]) => {
      const target = path === '' ? join(root, page) : join(root, dirname(page), path)
      if (!existsSync(target)) return true
      return heading !== undefined && !headingsOf(target).includes(heading)
    })
    expect(dead.map(([link]) => link)).toEqual([])
  })

  /** As the anchors of GitHub are made. */
  function headingsOf(file: string): readonly string[] {
    const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
    return Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
  }
})
